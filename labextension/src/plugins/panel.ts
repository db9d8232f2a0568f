/** Adds the panel of transfers to the left area. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { TransfersPanel } from '../components/TransfersPanel';
import { transfersIcon } from '../icons';
import { ITransfers, ITransfersPanel } from '../tokens';

const PANEL_ID = 'jupyter-webtorrent-transfers';

/** Below the running sessions, above the extension manager. */
const RANK = 500;

export const panelPlugin: JupyterFrontEndPlugin<ITransfersPanel> = {
  id: 'jupyter-webtorrent:panel',
  description: 'Shows the transfers in a side panel.',
  autoStart: true,
  provides: ITransfersPanel,
  requires: [ITransfers],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    transfers: ITransfers,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const panel = new TransfersPanel(transfers, trans);
    panel.id = PANEL_ID;
    panel.title.icon = transfersIcon;
    panel.title.caption = trans.__('Transfers');
    app.shell.add(panel, 'left', { rank: RANK, type: 'WebTorrent transfers' });
    restorer?.add(panel, PANEL_ID);
    return panel;
  }
};
