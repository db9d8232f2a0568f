/** How much of something is here. */

import * as React from 'react';

interface IProgressBarProps {
  /** Of what. */
  readonly label: string;
  /** undefined: nobody knows yet. */
  readonly percent: number | undefined;
}

export function ProgressBar({ label, percent }: IProgressBarProps): React.JSX.Element {
  return (
    <div
      className="jp-wt-Progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div
        className="jp-wt-Progress-bar"
        data-indeterminate={percent === undefined}
        style={percent === undefined ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}
