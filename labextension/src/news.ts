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
    const states = new Map(transfers.map(transfer => [transfer.info_hash, transfer]));
    this._states = states;
    for (const transfer of transfers) {
      const { info_hash, state } = transfer;
      const last = before?.get(info_hash)?.state;
      const old = this._oldFailures.get(info_hash);
      if (state !== 'checking') {
        this._oldFailures.delete(info_hash);
      }
      const isNew = last === undefined && !isFirst && !this._completed.has(info_hash);
      if (isNew || UNFINISHED.includes(state)) {
        this._awaited.add(info_hash);
      }
      if (isComplete(transfer)) {
        if (this._awaited.delete(info_hash) && !transfer.shared) {
          news.push({ kind: 'completed', transfer });
        }
        this._completed.add(info_hash);
      } else if (
        state === 'failed' &&
        last !== undefined &&
        last !== 'failed' &&
        transfer.error !== old
      ) {
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

  /** The server is away: a restarted one checks what had failed, which then fails again. */
  interrupt(): void {
    for (const { info_hash, state, error } of this._states?.values() ?? []) {
      if (state === 'failed') {
        this._oldFailures.set(info_hash, error);
      }
    }
  }

  /** As they were the last time. */
  private _states: ReadonlyMap<string, ITransferStatus> | undefined;
  /** Why transfers had failed before the server was away, by info hash. */
  private readonly _oldFailures = new Map<string, string>();
  /** Downloads that were seen on their way. */
  private readonly _awaited = new Set<string>();
  /** What was ever seen complete. */
  private readonly _completed = new Set<string>();
}

function isComplete({ state, paths }: ITransferStatus): boolean {
  return state === 'seeding' || (state === 'paused' && paths.length > 0);
}
