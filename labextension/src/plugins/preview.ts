/** Adds the command that opens one file of a transfer in the main area, and keeps what it opened over a reload. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import {
  audioIcon,
  fileIcon,
  imageIcon,
  notebookIcon,
  pdfIcon,
  spreadsheetIcon,
  textEditorIcon,
  videoIcon
} from '@jupyterlab/ui-components';

import { CommandIDs, FILE_ARGS } from '../commands';
import { PreviewPanel } from '../components/PreviewPanel';
import { displayName } from '../format';
import type { MediaKind } from '../media';
import { baseName } from '../media';
import { hasRoom } from '../page';
import { FilePreview } from '../preview';
import { withoutRequests } from '../sanitize';
import { ITransferApi, ITransfers } from '../tokens';

const ICONS: Readonly<Record<MediaKind, LabIcon>> = {
  video: videoIcon,
  audio: audioIcon,
  image: imageIcon,
  pdf: pdfIcon,
  table: spreadsheetIcon,
  notebook: notebookIcon,
  text: textEditorIcon,
  other: fileIcon
};

let opened = 0;

export const previewPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:preview',
  description: 'Plays and shows the files of transfers, also while they arrive.',
  autoStart: true,
  requires: [ITransferApi, ITransfers, IRenderMimeRegistry],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    api: ITransferApi,
    transfers: ITransfers,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const tracker = new WidgetTracker<MainAreaWidget<PreviewPanel>>({
      namespace: 'jupyter-webtorrent-preview'
    });
    const forStrangers = rendermime.clone({ sanitizer: withoutRequests(rendermime.sanitizer) });

    const open = (infoHash: string, path: string): MainAreaWidget<PreviewPanel> => {
      const preview = new FilePreview(infoHash, path, api, transfers);
      const content = new PreviewPanel(preview, trans, forStrangers);
      const widget = new MainAreaWidget({ content });
      widget.id = `jupyter-webtorrent-preview-${(opened += 1)}`;
      widget.title.label = displayName(baseName(path));
      widget.title.caption = displayName(path);
      widget.title.icon = ICONS[preview.kind];
      widget.title.closable = true;
      widget.toolbar.hide();
      void tracker.add(widget);
      return widget;
    };

    app.commands.addCommand(CommandIDs.openFile, {
      label: trans.__('Open File of a Transfer'),
      caption: trans.__('Play or show a file, also while it arrives'),
      describedBy: { args: FILE_ARGS },
      execute: async args => {
        const { infoHash } = args;
        if (typeof infoHash !== 'string') {
          throw new Error(`${CommandIDs.openFile} takes an infoHash`);
        }
        const path = typeof args['path'] === 'string' ? args['path'] : await api.onlyFile(infoHash);
        if (path === undefined) {
          await app.commands.execute(CommandIDs.show, { infoHash });
          return undefined;
        }
        if (!hasRoom()) {
          window.open(api.streamUrl(infoHash, path), '_blank', 'noopener');
          return undefined;
        }
        const earlier = tracker.find(
          ({ content: { preview } }) => preview.infoHash === infoHash && preview.path === path
        );
        const widget = earlier ?? open(infoHash, path);
        if (!widget.isAttached) {
          app.shell.add(widget, 'main', { type: 'WebTorrent file' });
        }
        app.shell.activateById(widget.id);
        return widget;
      }
    });

    void restorer?.restore(tracker, {
      command: CommandIDs.openFile,
      args: ({ content: { preview } }) => ({ infoHash: preview.infoHash, path: preview.path }),
      name: ({ content: { preview } }) => `${preview.infoHash}/${preview.path}`
    });
  }
};
