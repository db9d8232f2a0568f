/** Adds the command that shares files of the server; schema/settings.json puts it into the file browser's menu. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { DocumentWidget } from '@jupyterlab/docregistry';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, PALETTE_CATEGORY, SHARE_ARGS } from '../commands';
import { openShareDialog } from '../dialogs';
import { transfersIcon } from '../icons';
import { ITransferApi } from '../tokens';

export const sharePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:share',
  description: 'Shares what is selected in the file browser.',
  autoStart: true,
  requires: [ITransferApi],
  optional: [ITranslator, ICommandPalette, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    api: ITransferApi,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    browsers: IFileBrowserFactory | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const { contents } = app.serviceManager;
    /** What is selected in the file browser, or else the document that is in front. */
    const selected = (): string[] => {
      const items = browsers?.tracker.currentWidget?.selectedItems() ?? [];
      const paths = [...items].map(({ path }) => path);
      const { currentWidget } = app.shell;
      if (paths.length === 0 && currentWidget instanceof DocumentWidget) {
        paths.push(currentWidget.context.path);
      }
      return paths.map(path => contents.localPath(path));
    };
    const askToSelect = async (): Promise<void> => {
      await showDialog({
        title: trans.__('Share with WebTorrent'),
        body: trans.__('Select files or folders in the file browser first, then share them.'),
        buttons: [Dialog.okButton({ label: trans.__('OK') })]
      });
      const browser = browsers?.tracker.currentWidget;
      if (browser) {
        app.shell.activateById(browser.id);
      }
    };
    app.commands.addCommand(CommandIDs.share, {
      label: trans.__('Share with WebTorrent'),
      caption: trans.__('Make a link with which others fetch the selected files from here'),
      icon: transfersIcon,
      describedBy: { args: SHARE_ARGS },
      execute: args => {
        const paths = Array.isArray(args['paths']) ? args['paths'].map(String) : selected();
        return paths.length > 0 ? openShareDialog(api, trans, paths) : askToSelect();
      }
    });
    palette?.addItem({ command: CommandIDs.share, category: PALETTE_CATEGORY });
  }
};
