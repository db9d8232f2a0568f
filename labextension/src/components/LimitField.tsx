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
  // What is being typed; else the field shows what the server took.
  const [draft, setDraft] = React.useState<string | null>(null);
  const commit = (field: HTMLInputElement): void => {
    const wanted = field.value === '' ? null : Math.round(field.valueAsNumber * 1000);
    if (field.validity.valid) {
      setDraft(null);
      if (wanted !== limit) {
        onChange(wanted);
      }
    }
  };
  return (
    <div className="jp-wt-Limit">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="jp-mod-styled"
        type="number"
        min={1}
        step="any"
        value={draft ?? (limit === null ? '' : limit / 1000)}
        placeholder={trans.__('none')}
        onChange={event => {
          setDraft(event.currentTarget.value);
        }}
        onBlur={event => {
          commit(event.currentTarget);
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            commit(event.currentTarget);
          }
        }}
      />
      <span>{trans.__('kB/s')}</span>
    </div>
  );
}
