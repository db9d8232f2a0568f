/** A rate limit of one transfer, in kB/s; empty is none. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

interface ILimitFieldProps {
  readonly label: string;
  /** Bytes per second. */
  readonly limit: number | null;
  readonly onChange: (limit: number | null) => void;
  readonly trans: TranslationBundle;
}

export function LimitField(props: ILimitFieldProps): React.JSX.Element {
  const { label, limit, onChange, trans } = props;
  const id = React.useId();
  const commit = (field: HTMLInputElement): void => {
    const wanted = field.value === '' ? null : Math.round(field.valueAsNumber * 1000);
    if (field.validity.valid && wanted !== limit) {
      onChange(wanted);
    }
  };
  return (
    <div className="jp-wt-Limit">
      <label htmlFor={id}>{label}</label>
      <input
        // What the server took replaces what was typed.
        key={limit ?? 'none'}
        id={id}
        className="jp-mod-styled"
        type="number"
        min={1}
        step="any"
        defaultValue={limit === null ? '' : limit / 1000}
        placeholder={trans.__('none')}
        onBlur={event => {
          commit(event.currentTarget);
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            commit(event.currentTarget);
          }
        }}
      />
      <span>kB/s</span>
    </div>
  );
}
