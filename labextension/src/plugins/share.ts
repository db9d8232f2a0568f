/** Adds the command that shares files of the server; schema/settings.json puts it into the file browser's menu. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
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
    /** What is selected in the file browser, or else the folder that it shows. */
    const selected = (): string[] => {
      const browser = browsers?.tracker.currentWidget;
      if (!browser) {
        return [];
      }
      const paths = [...browser.selectedItems()].map(({ path }) => path);
      return (paths.length > 0 ? paths : [browser.model.path]).map(
        path => contents.localPath(path) || '.'
      );
    };
    app.commands.addCommand(CommandIDs.share, {
      label: trans.__('Share with WebTorrent'),
      caption: trans.__('Make a link with which others fetch the selected files from here'),
      icon: transfersIcon,
      describedBy: { args: SHARE_ARGS },
      isEnabled: args => Array.isArray(args['paths']) || Boolean(browsers?.tracker.currentWidget),
      execute: args => {
        const paths = Array.isArray(args['paths']) ? args['paths'].map(String) : selected();
        return openShareDialog(api, trans, paths);
      }
    });
    palette?.addItem({ command: CommandIDs.share, category: PALETTE_CATEGORY });
  }
};
