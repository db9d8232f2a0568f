/** The files of a torrent with a box to tick for each; a filter, since there may be ten thousand. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { chosenBytes, filterFiles, withFiles } from '../choice';
import { displayName, formatBytes, formatCount } from '../format';
import type { IFileStatus } from '../schema';

/** Rows that are drawn at first, and with each request for more. */
const ROWS = 200;

/** Files from which on a filter is of use. */
const MANY = 10;

interface IFileChoiceProps {
  readonly files: readonly IFileStatus[];
  /** Indices. */
  readonly chosen: ReadonlySet<number>;
  readonly onChange: (chosen: ReadonlySet<number>) => void;
  readonly trans: TranslationBundle;
}

export function FileChoice({
  files,
  chosen,
  onChange,
  trans
}: IFileChoiceProps): React.JSX.Element {
  const [filter, setFilter] = React.useState('');
  const [rows, setRows] = React.useState(ROWS);
  const found = React.useMemo(() => filterFiles(files, filter), [files, filter]);
  const bytes = React.useMemo(() => chosenBytes(files, chosen), [files, chosen]);
  return (
    <fieldset className="jp-wt-Files">
      <legend className="jp-wt-Field-label">{trans.__('Files')}</legend>
      <div className="jp-wt-Files-tools">
        {files.length > MANY && (
          <input
            type="search"
            className="jp-mod-styled"
            value={filter}
            placeholder={trans.__('Filter by name')}
            aria-label={trans.__('Filter files by name')}
            onChange={event => {
              setFilter(event.target.value);
              setRows(ROWS);
            }}
          />
        )}
        {files.length > 1 &&
          [true, false].map(wanted => (
            <button
              key={String(wanted)}
              type="button"
              className="jp-wt-LinkButton"
              onClick={() => {
                onChange(withFiles(chosen, found, wanted));
              }}
            >
              {wanted ? trans.__('All') : trans.__('None')}
            </button>
          ))}
        {files.length > 1 && (
          <span className="jp-wt-Files-sum" role="status">
            {trans.__(
              '%1 of %2, %3',
              formatCount(chosen.size),
              formatCount(files.length),
              formatBytes(bytes)
            )}
          </span>
        )}
      </div>
      <ul className="jp-wt-Files-list" role="list">
        {found.slice(0, rows).map(file => (
          <li key={file.index}>
            <label className="jp-wt-Files-row">
              <input
                type="checkbox"
                checked={chosen.has(file.index)}
                onChange={event => {
                  onChange(withFiles(chosen, [file], event.target.checked));
                }}
              />
              <bdi className="jp-wt-Files-path" title={displayName(file.path)}>
                {displayName(file.path)}
              </bdi>
              <span className="jp-wt-Files-size">{formatBytes(file.length)}</span>
            </label>
          </li>
        ))}
      </ul>
      {found.length > rows && (
        <button
          type="button"
          className="jp-wt-LinkButton"
          onClick={() => {
            setRows(rows + ROWS);
          }}
        >
          {trans._n('%1 more file', '%1 more files', found.length - rows)}
        </button>
      )}
      {found.length === 0 && <p>{trans.__('No file has such a name.')}</p>}
    </fieldset>
  );
}
