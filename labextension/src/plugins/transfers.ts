/** Provides the model of the transfers, and keeps it current for as long as the application runs. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { TransferApi } from '../api';
import { TransferFeed } from '../feed';
import { TransferModel } from '../model';
import { ITransfers } from '../tokens';

export const transfersPlugin: JupyterFrontEndPlugin<ITransfers> = {
  id: 'jupyter-webtorrent:transfers',
  description: "Keeps a list of the server's transfers.",
  autoStart: true,
  provides: ITransfers,
  activate: (app: JupyterFrontEnd) => {
    const model = new TransferModel();
    const feed = new TransferFeed(new TransferApi(app.serviceManager.serverSettings), model);
    window.addEventListener('pagehide', () => {
      feed.dispose();
    });
    return model;
  }
};
