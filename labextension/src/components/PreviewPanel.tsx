/** A main-area view of one file of a transfer: its name and how much of it is here, and below it the file. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { errorLine } from '../errors';
import { displayName, formatBytes } from '../format';
import { baseName } from '../media';
import type { FilePreview, PreviewContent } from '../preview';
import type { IFileStatus } from '../schema';
import { MediaPlayer } from './MediaPlayer';
import { NotebookPreview } from './NotebookPreview';
import { TablePreview } from './TablePreview';

export class PreviewPanel extends ReactWidget {
  constructor(
    readonly preview: FilePreview,
    private readonly _trans: TranslationBundle,
    private readonly _rendermime: IRenderMimeRegistry
  ) {
    super();
    this.addClass('jp-wt-Preview');
  }

  override dispose(): void {
    this.preview.dispose();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    const { preview } = this;
    const trans = this._trans;
    return (
      <UseSignal signal={preview.changed}>
        {() => (
          <>
            <Header preview={preview} trans={trans} />
            <div className="jp-wt-Preview-body" data-kind={preview.content.kind}>
              <Content preview={preview} trans={trans} rendermime={this._rendermime} />
            </div>
          </>
        )}
      </UseSignal>
    );
  }
}

interface IPreviewProps {
  readonly preview: FilePreview;
  readonly trans: TranslationBundle;
}

function Header({ preview, trans }: IPreviewProps): React.JSX.Element {
  const { file, isGone } = preview;
  return (
    <div className="jp-wt-Preview-header">
      <h2>
        <bdi title={displayName(preview.path)}>{displayName(baseName(preview.path))}</bdi>
      </h2>
      {file !== undefined && (
        <span role="status">
          {isGone ? trans.__('The transfer was removed.') : amountInWords(file, trans)}
        </span>
      )}
      {file !== undefined && !isGone && (
        <a className="jp-wt-Preview-download" href={preview.downloadUrl} download="">
          {trans.__('Download')}
        </a>
      )}
    </div>
  );
}

function amountInWords({ done, length }: IFileStatus, trans: TranslationBundle): string {
  if (done >= length) {
    return formatBytes(length);
  }
  const percent = Math.floor((100 * done) / length);
  return trans.__('Arriving: %1% of %2', percent, formatBytes(length));
}

interface IContentProps extends IPreviewProps {
  readonly rendermime: IRenderMimeRegistry;
}

function Content({ preview, trans, rendermime }: IContentProps): React.JSX.Element {
  const { content } = preview;
  const name = displayName(baseName(preview.path));
  const failed = (): void => void preview.mediaFailed();
  switch (content.kind) {
    case 'video':
    case 'audio':
      return (
        <MediaPlayer
          kind={content.kind}
          url={content.url}
          name={name}
          onFail={failed}
          trans={trans}
        />
      );
    case 'image':
      return <img className="jp-wt-Preview-image" src={content.url} alt={name} onError={failed} />;
    case 'pdf':
      return (
        <object
          className="jp-wt-Preview-pdf"
          data={content.url}
          type="application/pdf"
          aria-label={name}
        />
      );
    case 'table':
      return <TablePreview rows={content.rows} isCut={content.isCut} name={name} trans={trans} />;
    case 'text':
      return (
        <>
          <pre className="jp-wt-Preview-text" tabIndex={0}>
            {content.text}
          </pre>
          {content.isCut && <Note text={trans.__('Only the beginning is shown.')} />}
        </>
      );
    case 'notebook':
      return (
        <NotebookPreview
          cells={content.cells}
          total={content.total}
          rendermime={rendermime}
          trans={trans}
        />
      );
    default:
      return (
        <>
          <Note text={inWords(content, preview, trans)} />
          {content.kind === 'failed' && (
            <button className="jp-mod-styled" onClick={() => void preview.load()}>
              {trans.__('Try again')}
            </button>
          )}
        </>
      );
  }
}

function Note({ text }: { readonly text: string }): React.JSX.Element {
  return (
    <p className="jp-wt-Preview-note" role="status">
      {text}
    </p>
  );
}

type Wordy = Exclude<
  PreviewContent,
  { kind: 'video' | 'audio' | 'image' | 'pdf' | 'table' | 'text' | 'notebook' }
>;

function inWords(content: Wordy, preview: FilePreview, trans: TranslationBundle): string {
  switch (content.kind) {
    case 'loading':
      return preview.file === undefined
        ? trans.__('Looking for the file…')
        : trans.__('Waiting for the first part of the file…');
    case 'failed':
      return errorLine(content.error, trans);
    case 'missing':
      return trans.__('There is no such file in this transfer.');
    case 'empty':
      return trans.__('The file is empty.');
    case 'unplayable':
      return trans.__('This browser cannot show this file. Download it to open it in a program.');
    case 'large':
      return trans.__('The file is too large to be shown here. Download it instead.');
    case 'odd':
      return trans.__('This is not a notebook that can be shown. Download it to see what it is.');
    case 'other':
      return trans.__('There is no preview of this kind of file. Download it instead.');
  }
}
