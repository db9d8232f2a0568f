/** What this extension offers to other plugins. */

import { Token } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import type { TransferApi } from './api';
import type { ITransferModel } from './model';

export type ITransfers = ITransferModel;

export const ITransfers = new Token<ITransfers>(
  'jupyter-webtorrent:ITransfers',
  'The transfers of the Jupyter server, kept current.'
);

export type ITransferApi = Pick<TransferApi, keyof TransferApi>;

export const ITransferApi = new Token<ITransferApi>(
  'jupyter-webtorrent:ITransferApi',
  'What the Jupyter server can be asked to do with transfers.'
);

export type ITransfersPanel = Widget;

export const ITransfersPanel = new Token<ITransfersPanel>(
  'jupyter-webtorrent:ITransfersPanel',
  'The side panel that shows the transfers.'
);
