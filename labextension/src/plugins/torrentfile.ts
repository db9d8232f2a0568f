/** Opens .torrent files into the fetch dialog. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { ABCWidgetFactory, DocumentWidget } from '@jupyterlab/docregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { CommandIDs } from '../commands';
import { transfersIcon } from '../icons';
import { leaveDocumentPage } from '../page';

const FILE_TYPE = 'torrent';

export const torrentFilePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:torrent-file',
  description: 'Opens .torrent files into the fetch dialog.',
  autoStart: true,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    const { commands, docRegistry, serviceManager } = app;
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: trans.__('Torrent'),
      extensions: ['.torrent'],
      mimeTypes: ['application/x-bittorrent'],
      contentType: 'file',
      fileFormat: 'base64',
      icon: transfersIcon
    });
    const factory = new TorrentFileFactory(
      {
        name: 'WebTorrent',
        label: trans.__('Fetch with WebTorrent'),
        modelName: 'base64',
        fileTypes: [FILE_TYPE],
        defaultFor: [FILE_TYPE],
        readOnly: true
      },
      path => commands.execute(CommandIDs.fetch, { link: serviceManager.contents.localPath(path) })
    );
    // JupyterLab's own base class does not satisfy its interface under exactOptionalPropertyTypes.
    docRegistry.addWidgetFactory(factory as DocumentRegistry.WidgetFactory);
  }
};

/** Makes documents that live as long as the dialog that they open; JupyterLab sees them, a person does not. */
class TorrentFileFactory extends ABCWidgetFactory<IDocumentWidget> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<IDocumentWidget>,
    openDialog: (path: string) => Promise<unknown>
  ) {
    super(options);
    this._openDialog = openDialog;
  }

  protected override createNewWidget(context: DocumentRegistry.Context): IDocumentWidget {
    const document_ = new DocumentWidget({ content: new Widget(), context });
    document_.hide();
    // What is attached already gets no tab in the main area.
    Widget.attach(document_, document.body);
    void this._openDialog(context.path).finally(() => {
      document_.dispose();
      leaveDocumentPage();
    });
    return document_;
  }

  private readonly _openDialog: (path: string) => Promise<unknown>;
}
