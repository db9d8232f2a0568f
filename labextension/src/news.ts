/** Tells from one list of transfers to the next what a person may want to be told of. */

import type { ITransferStatus, TransferState } from './schema';

export interface INews {
  readonly kind: 'completed' | 'failed';
  readonly transfer: ITransferStatus;
}

/** States of a download of which completion is news. */
const UNFINISHED: readonly TransferState[] = ['metadata', 'downloading', 'on_demand'];

/**
 * Knows what this page saw. What was complete or had failed when the page came is no news, and neither is what is
 * only checked, or comes back with a server that was restarted. A small download may come and be complete at once.
 */
export class TransferNews {
  /** What is new since the last call. */
  update(transfers: readonly ITransferStatus[]): INews[] {
    const news: INews[] = [];
    const before = this._states;
    const isFirst = before === undefined;
    const states = new Map(transfers.map(({ info_hash, state }) => [info_hash, state]));
    this._states = states;
    for (const transfer of transfers) {
      const { info_hash, state } = transfer;
      const last = before?.get(info_hash);
      const isNew = last === undefined && !isFirst && !this._completed.has(info_hash);
      if (isNew || UNFINISHED.includes(state)) {
        this._awaited.add(info_hash);
      }
      if (isComplete(transfer)) {
        if (this._awaited.delete(info_hash) && !transfer.shared) {
          news.push({ kind: 'completed', transfer });
        }
        this._completed.add(info_hash);
      } else if (state === 'failed' && last !== undefined && last !== 'failed') {
        news.push({ kind: 'failed', transfer });
      }
    }
    for (const infoHash of this._awaited) {
      if (!states.has(infoHash)) {
        this._awaited.delete(infoHash);
      }
    }
    return news;
  }

  /** As they were the last time. */
  private _states: ReadonlyMap<string, TransferState> | undefined;
  /** Downloads that were seen on their way. */
  private readonly _awaited = new Set<string>();
  /** What was ever seen complete. */
  private readonly _completed = new Set<string>();
}

function isComplete({ state, paths }: ITransferStatus): boolean {
  return state === 'seeding' || (state === 'paused' && paths.length > 0);
}
