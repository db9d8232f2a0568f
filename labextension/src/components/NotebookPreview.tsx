/** A notebook to read: nothing of it runs, and its outputs are rendered as those of strangers. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MimeModel } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { ICellPreview } from '../notebook';

interface INotebookPreviewProps {
  readonly cells: readonly ICellPreview[];
  readonly total: number;
  readonly rendermime: IRenderMimeRegistry;
  readonly trans: TranslationBundle;
}

export function NotebookPreview({
  cells,
  total,
  rendermime,
  trans
}: INotebookPreviewProps): React.JSX.Element {
  return (
    <div className="jp-wt-Notebook">
      <p className="jp-wt-Preview-note">{trans.__('To read only: nothing in it runs here.')}</p>
      {cells.map((cell, number) => (
        <Cell key={number} cell={cell} rendermime={rendermime} />
      ))}
      {cells.length < total && (
        <p className="jp-wt-Preview-note">
          {trans.__('The first %1 of %2 cells are shown.', cells.length, total)}
        </p>
      )}
    </div>
  );
}

interface ICellProps {
  readonly cell: ICellPreview;
  readonly rendermime: IRenderMimeRegistry;
}

function Cell({ cell, rendermime }: ICellProps): React.JSX.Element {
  return (
    <section className="jp-wt-Cell" data-type={cell.type}>
      {cell.type === 'markdown' ? (
        <Rendered mimeType="text/markdown" data={cell.source} rendermime={rendermime} />
      ) : (
        <div className="jp-wt-Cell-source">
          <span className="jp-wt-Cell-count">{`[${cell.count ?? ' '}]:`}</span>
          <pre>{cell.source}</pre>
        </div>
      )}
      {cell.outputs.map(({ mimeType, data }, number) => (
        <Rendered key={number} mimeType={mimeType} data={data} rendermime={rendermime} />
      ))}
    </section>
  );
}

interface IRenderedProps {
  readonly mimeType: string;
  readonly data: string;
  readonly rendermime: IRenderMimeRegistry;
}

function Rendered({ mimeType, data, rendermime }: IRenderedProps): React.JSX.Element {
  const host = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (host.current === null) {
      return undefined;
    }
    const renderer = rendermime.createRenderer(mimeType);
    Widget.attach(renderer, host.current);
    renderer
      .renderModel(new MimeModel({ data: { [mimeType]: data }, trusted: false }))
      .catch(() => {
        renderer.node.textContent = data;
      });
    return () => {
      renderer.dispose();
    };
  }, [mimeType, data, rendermime]);
  return <div className="jp-wt-Cell-rendered" ref={host} />;
}
