/** The commands that change one transfer, or all of them; the panel's buttons and the palette run these. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { deleteIcon, linkIcon, pauseIcon, runIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { CommandIDs, PALETTE_CATEGORY, TRANSFER_ARGS, TRANSFERS_ARGS } from '../commands';
import { notifyError } from '../errors';
import { displayName } from '../format';
import type { ITransferStatus } from '../schema';
import { ITransferApi, ITransfers } from '../tokens';

export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:commands',
  description: 'Adds the commands that pause, resume, remove and link to transfers.',
  autoStart: true,
  requires: [ITransferApi, ITransfers],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    api: ITransferApi,
    transfers: ITransfers,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');

    const named = (args: ReadonlyPartialJSONObject): ITransferStatus | undefined =>
      transfers.transfers.find(({ info_hash }) => info_hash === args['infoHash']);
    /** The transfer that the arguments name, or else all that `test` is true for. */
    const meant = (
      args: ReadonlyPartialJSONObject,
      test: (transfer: ITransferStatus) => boolean
    ): ITransferStatus[] => {
      const one = named(args);
      const all = args['infoHash'] === undefined ? transfers.transfers : one ? [one] : [];
      return all.filter(test);
    };
    const each = async (
      chosen: readonly ITransferStatus[],
      call: (infoHash: string) => Promise<unknown>
    ): Promise<void> => {
      try {
        await Promise.all(chosen.map(({ info_hash }) => call(info_hash)));
      } catch (error) {
        notifyError(error, trans);
      }
    };

    commands.addCommand(CommandIDs.pause, {
      label: args =>
        args['infoHash'] === undefined ? trans.__('Pause All Transfers') : trans.__('Pause'),
      caption: trans.__('Exchange nothing with anybody until it is resumed'),
      icon: pauseIcon,
      describedBy: { args: TRANSFERS_ARGS },
      isEnabled: args => meant(args, isRunning).length > 0,
      execute: args => each(meant(args, isRunning), infoHash => api.pause(infoHash))
    });
    commands.addCommand(CommandIDs.resume, {
      label: args =>
        args['infoHash'] === undefined ? trans.__('Resume All Transfers') : trans.__('Resume'),
      caption: trans.__('Go on where it was paused or failed'),
      icon: runIcon,
      describedBy: { args: TRANSFERS_ARGS },
      isEnabled: args => meant(args, isHalted).length > 0,
      execute: args => each(meant(args, isHalted), infoHash => api.resume(infoHash))
    });
    commands.addCommand(CommandIDs.copyLink, {
      label: trans.__('Copy Magnet Link'),
      caption: trans.__('Whoever has the link can fetch it'),
      icon: linkIcon,
      describedBy: { args: TRANSFER_ARGS },
      isEnabled: args => named(args) !== undefined,
      execute: args => {
        const transfer = named(args);
        if (transfer !== undefined) {
          Clipboard.copyToSystem(transfer.magnet);
          Notification.success(trans.__('The link is in the clipboard.'), { autoClose: 2_000 });
        }
      }
    });
    commands.addCommand(CommandIDs.remove, {
      label: trans.__('Remove…'),
      caption: trans.__('Forget the transfer'),
      icon: deleteIcon,
      describedBy: { args: TRANSFER_ARGS },
      isEnabled: args => named(args) !== undefined,
      execute: async args => {
        const transfer = named(args);
        if (transfer === undefined) {
          return;
        }
        const { button, isChecked } = await askToRemove(transfer, trans);
        if (button.accept) {
          await each([transfer], infoHash => api.remove(infoHash, isChecked ?? false));
        }
      }
    });

    const refresh = (): void => {
      for (const id of [
        CommandIDs.pause,
        CommandIDs.resume,
        CommandIDs.copyLink,
        CommandIDs.remove
      ]) {
        commands.notifyCommandChanged(id);
      }
    };
    let states = '';
    transfers.changed.connect(() => {
      // Rates change every second; what may be done changes only with these.
      const now = transfers.transfers.map(({ info_hash, state }) => info_hash + state).join();
      if (now !== states) {
        states = now;
        refresh();
      }
    });
    for (const command of [CommandIDs.pause, CommandIDs.resume]) {
      palette?.addItem({ command, category: PALETTE_CATEGORY });
    }
  }
};

function isHalted({ state }: ITransferStatus): boolean {
  return state === 'paused' || state === 'failed';
}

function isRunning(transfer: ITransferStatus): boolean {
  return !isHalted(transfer);
}

/** What is shared from its own place is never deleted, so it is not asked about. */
function askToRemove(
  transfer: ITransferStatus,
  trans: TranslationBundle
): Promise<Dialog.IResult<unknown>> {
  const name = displayName(transfer.name) || transfer.info_hash;
  return showDialog({
    title: trans.__('Remove this transfer?'),
    body: transfer.shared
      ? trans.__('%1 will no longer be shared. The file itself stays where it is.', name)
      : trans.__('%1 will no longer be fetched or passed on.', name),
    checkbox: transfer.shared ? null : { label: trans.__('Delete what was fetched, too') },
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Remove'), accept: true })]
  });
}
