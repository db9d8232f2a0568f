/** Adds the command that fetches what a link leads to, and the launcher's card for it. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { CommandIDs, FETCH_ARGS, PALETTE_CATEGORY } from '../commands';
import { openFetchDialog } from '../dialogs';
import { transfersIcon } from '../icons';
import type { TorrentSource } from '../linkpreview';
import { SETTINGS_ID, chosenFolder } from '../settings';
import { ITransferApi } from '../tokens';

export const fetchPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:fetch',
  description: 'Fetches what a link leads to.',
  autoStart: true,
  requires: [ITransferApi],
  optional: [ITranslator, ICommandPalette, ILauncher, IDefaultFileBrowser, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    api: ITransferApi,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    browser: IDefaultFileBrowser | null,
    registry: ISettingRegistry | null
  ) => {
    const { commands, serviceManager } = app;
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    /** The folder of the settings, or else the one that the file browser shows. */
    const defaultFolder = async (): Promise<string> => {
      const settings = await registry?.load(SETTINGS_ID).catch(() => undefined);
      const chosen = settings && chosenFolder(settings.composite);
      return chosen ?? serviceManager.contents.localPath(browser?.model.path ?? '');
    };
    commands.addCommand(CommandIDs.fetch, {
      label: args =>
        args['isLauncher'] === true
          ? trans.__('Fetch a Shared Dataset')
          : trans.__('Fetch with WebTorrent…'),
      caption: trans.__('See what a link leads to, and fetch it'),
      icon: transfersIcon,
      describedBy: { args: FETCH_ARGS },
      execute: async args => {
        await openFetchDialog(api, trans, {
          source: sourceIn(args),
          folder: await defaultFolder(),
          contents: serviceManager.contents,
          show: infoHash => {
            void commands.execute(CommandIDs.show, { infoHash });
          }
        });
      }
    });
    palette?.addItem({ command: CommandIDs.fetch, category: PALETTE_CATEGORY });
    // Without a category it is among JupyterLab's others, whatever those are called.
    launcher?.add({ command: CommandIDs.fetch, args: { isLauncher: true } });
  }
};

/** What the command's arguments name to be looked at, if anything. */
function sourceIn({ link, metainfo }: ReadonlyPartialJSONObject): TorrentSource | undefined {
  if (typeof metainfo === 'string') {
    return { link: '', metainfo };
  }
  return typeof link === 'string' && link !== '' ? { link } : undefined;
}
