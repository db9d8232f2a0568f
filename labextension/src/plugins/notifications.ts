/** Tells when a download that this page saw begin is complete, and when a transfer fails. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { displayName, shortName } from '../format';
import type { INews } from '../news';
import { TransferNews } from '../news';
import { SETTINGS_ID } from '../settings';
import { ITransferApi, ITransfers } from '../tokens';

/** Milliseconds for which good news stays in view; bad news stays until it is dismissed. */
const IN_VIEW = 8_000;

export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:notifications',
  description: 'Tells when a download is complete and when a transfer fails.',
  autoStart: true,
  requires: [ITransfers, ITransferApi],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    transfers: ITransfers,
    api: ITransferApi,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ) => {
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const settings = registry?.load(SETTINGS_ID);
    const isWanted = async (): Promise<boolean> => {
      const loaded = await settings?.catch(() => undefined);
      return loaded?.composite['notifications'] !== false;
    };
    const action = (label: string, command: string, infoHash: string): Notification.IAction => ({
      label,
      callback: () => {
        void commands.execute(command, { infoHash });
      }
    });
    const tell = async ({ kind, transfer }: INews): Promise<void> => {
      const { info_hash, error } = transfer;
      const name = shortName(transfer.name) || info_hash;
      const show = action(trans.__('Show'), CommandIDs.show, info_hash);
      if (kind === 'failed') {
        const message = trans.__('%1: %2', name, displayName(error));
        Notification.error(message, { actions: [show], autoClose: false });
        return;
      }
      const hasOneFile = (await api.onlyFile(info_hash).catch(() => undefined)) !== undefined;
      const open =
        hasOneFile && commands.hasCommand(CommandIDs.openFile)
          ? [action(trans.__('Open File'), CommandIDs.openFile, info_hash)]
          : [];
      Notification.success(trans.__('%1 is complete.', name), {
        actions: [show, ...open],
        autoClose: IN_VIEW
      });
    };

    const news = new TransferNews();
    transfers.changed.connect(() => {
      if (transfers.connection !== 'live' && transfers.connection !== 'polling') {
        news.interrupt();
        return;
      }
      const found = news.update(transfers.transfers);
      if (found.length > 0) {
        void isWanted().then(wanted => {
          if (wanted) {
            found.forEach(item => void tell(item));
          }
        });
      }
    });
  }
};
