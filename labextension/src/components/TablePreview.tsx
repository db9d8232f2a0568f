/** The first rows of a table; the first of all is its heading. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

interface ITablePreviewProps {
  readonly rows: readonly (readonly string[])[];
  readonly isCut: boolean;
  readonly name: string;
  readonly trans: TranslationBundle;
}

/** More columns than anybody reads would only hold the browser up. */
const MAX_COLUMNS = 200;

export function TablePreview({ rows, isCut, name, trans }: ITablePreviewProps): React.JSX.Element {
  const [heading, ...body] = rows.map(row => row.slice(0, MAX_COLUMNS));
  const isNarrowed = rows.some(row => row.length > MAX_COLUMNS);
  return (
    <>
      <div className="jp-wt-Preview-table" role="region" aria-label={name} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {heading?.map((cell, column) => (
                <th key={column} scope="col">
                  {cell}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row, number) => (
              <tr key={number}>
                {row.map((cell, column) => (
                  <td key={column}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(isCut || isNarrowed) && (
        <p className="jp-wt-Preview-note" role="status">
          {trans._n('The first row is shown.', 'The first %1 rows are shown.', body.length)}
        </p>
      )}
    </>
  );
}
