/** A small button that shows an icon and says in words what it does. */

import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

interface IIconButtonProps {
  readonly icon: LabIcon;
  /** What it does, and to what. */
  readonly label: string;
  /** What it does, for those who see to what. */
  readonly title: string;
  readonly onClick: () => void;
  readonly tabIndex?: number;
}

export function IconButton(props: IIconButtonProps): React.JSX.Element {
  const { icon, label, title, onClick, tabIndex } = props;
  return (
    <button
      type="button"
      className="jp-wt-ToolButton"
      aria-label={label}
      title={title}
      tabIndex={tabIndex}
      onClick={event => {
        event.stopPropagation();
        onClick();
      }}
    >
      <icon.react tag="span" aria-hidden="true" width="16px" height="16px" />
    </button>
  );
}
