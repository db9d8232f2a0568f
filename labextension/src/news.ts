/** Tells from one list of transfers to the next what a person may want to be told of. */

import type { ITransferStatus, TransferState } from './schema';

export interface INews {
  readonly kind: 'completed' | 'failed';
  readonly transfer: ITransferStatus;
}

/** States of a download of which completion is news. */
const UNFINISHED: readonly TransferState[] = ['metadata', 'downloading', 'on_demand'];

/**
 * Knows what this page saw. A transfer that was complete, or had failed, when it was first seen is no news, and
 * neither is one that is only checked, as after a restart of the server.
 */
export class TransferNews {
  /** What is new since the last call. */
  update(transfers: readonly ITransferStatus[]): INews[] {
    const news: INews[] = [];
    const before = this._states;
    this._states = new Map(transfers.map(({ info_hash, state }) => [info_hash, state]));
    for (const transfer of transfers) {
      const { info_hash, state } = transfer;
      const last = before.get(info_hash);
      if (UNFINISHED.includes(state)) {
        this._awaited.add(info_hash);
      } else if (isComplete(transfer)) {
        if (this._awaited.delete(info_hash) && !transfer.shared) {
          news.push({ kind: 'completed', transfer });
        }
      } else if (state === 'failed' && last !== undefined && last !== 'failed') {
        news.push({ kind: 'failed', transfer });
      }
    }
    for (const infoHash of this._awaited) {
      if (!this._states.has(infoHash)) {
        this._awaited.delete(infoHash);
      }
    }
    return news;
  }

  private _states = new Map<string, TransferState>();
  private readonly _awaited = new Set<string>();
}

function isComplete({ state, paths }: ITransferStatus): boolean {
  return state === 'seeding' || (state === 'paused' && paths.length > 0);
}
