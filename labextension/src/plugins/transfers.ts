/** Provides the model of the transfers, and keeps it current for as long as the application runs. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { TransferApi } from '../api';
import { TransferFeed } from '../feed';
import { TransferModel } from '../model';
import { ITransferApi, ITransfers } from '../tokens';

export const apiPlugin: JupyterFrontEndPlugin<ITransferApi> = {
  id: 'jupyter-webtorrent:api',
  description: 'Asks the server to share, fetch, pause and remove.',
  autoStart: true,
  provides: ITransferApi,
  activate: (app: JupyterFrontEnd) => new TransferApi(app.serviceManager.serverSettings)
};

export const transfersPlugin: JupyterFrontEndPlugin<ITransfers> = {
  id: 'jupyter-webtorrent:transfers',
  description: "Keeps a list of the server's transfers.",
  autoStart: true,
  provides: ITransfers,
  requires: [ITransferApi],
  activate: (_app: JupyterFrontEnd, api: ITransferApi) => {
    const model = new TransferModel();
    const feed = new TransferFeed(api, model);
    window.addEventListener('pagehide', () => {
      feed.dispose();
    });
    return model;
  }
};
