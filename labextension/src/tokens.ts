/** What this extension offers to other plugins. */

import { Token } from '@lumino/coreutils';

import type { ITransferModel } from './model';

export type ITransfers = ITransferModel;

export const ITransfers = new Token<ITransfers>(
  'jupyter-webtorrent:ITransfers',
  'The transfers of the Jupyter server, kept current.'
);
