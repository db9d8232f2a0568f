/** What this extension offers to other plugins. */

import { Token } from '@lumino/coreutils';

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
