/** Adds the panel of transfers to the left area, and the commands that show a transfer in it. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { MenuSvg } from '@jupyterlab/ui-components';
import type { Menu } from '@lumino/widgets';

import { actionsOf } from '../actions';
import { CommandIDs, PALETTE_CATEGORY, TRANSFER_ARGS, TRANSFERS_ARGS } from '../commands';
import { TransfersPanel } from '../components/TransfersPanel';
import { DetailsFeed } from '../details';
import { transfersIcon } from '../icons';
import { ITransferApi, ITransfers, ITransfersPanel } from '../tokens';

const PANEL_ID = 'jupyter-webtorrent-transfers';

/** Below the running sessions, above the extension manager. */
const RANK = 500;

export const panelPlugin: JupyterFrontEndPlugin<ITransfersPanel> = {
  id: 'jupyter-webtorrent:panel',
  description: 'Shows the transfers in a side panel.',
  autoStart: true,
  provides: ITransfersPanel,
  requires: [ITransfers, ITransferApi],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    transfers: ITransfers,
    api: ITransferApi,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const menu = new MenuSvg({ commands });
    const panel = new TransfersPanel(
      {
        model: transfers,
        feed: new DetailsFeed(api, transfers),
        onMenu: (infoHash, x, y) => {
          fillMenu(menu, infoHash);
          menu.open(x, y);
        },
        root: PageConfig.getOption('webtorrentRoot'),
        trans
      },
      actionsOf(commands)
    );
    panel.id = PANEL_ID;
    panel.title.icon = transfersIcon;
    panel.title.caption = trans.__('Transfers');
    shell.add(panel, 'left', { rank: RANK, type: 'WebTorrent transfers' });
    restorer?.add(panel, PANEL_ID);

    const show = (infoHash: unknown, details: boolean): void => {
      shell.activateById(PANEL_ID);
      if (typeof infoHash === 'string') {
        transfers.select(infoHash);
        void panel.focusSelected(details);
      }
    };
    commands.addCommand(CommandIDs.show, {
      label: trans.__('Show Transfers'),
      icon: transfersIcon,
      describedBy: { args: TRANSFERS_ARGS },
      execute: ({ infoHash }) => {
        show(infoHash, false);
      }
    });
    palette?.addItem({ command: CommandIDs.show, category: PALETTE_CATEGORY });
    commands.addCommand(CommandIDs.details, {
      label: trans.__('Show Details'),
      describedBy: { args: TRANSFER_ARGS },
      execute: ({ infoHash }) => {
        show(infoHash, true);
      }
    });
    // Other plugins add theirs later.
    commands.commandChanged.connect((_registry, { type }) => {
      if (type === 'added' || type === 'removed') {
        panel.actions = actionsOf(commands);
      }
    });
    return panel;
  }
};

/** What can be done to one transfer. */
function fillMenu(menu: Menu, infoHash: string): void {
  menu.clearItems();
  const { details, pause, resume, copyLink, remove } = CommandIDs;
  const args = { infoHash };
  for (const command of [details, pause, resume, copyLink, remove]) {
    if (menu.commands.isEnabled(command, args)) {
      menu.addItem({ command, args });
    }
  }
}
