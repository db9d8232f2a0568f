/**
 * What the front end knows of the transfers: values and a signal. How they come here is left to feed.ts,
 * how they look to components/.
 */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { sendingRate } from './format';
import type { ITransferEvent, ITransferStatus } from './schema';

/**
 * How the model is kept: not yet, by events, by asking now and then, or not at all because the server does not
 * answer (`unreachable`) or does not have the extension (`missing`).
 */
export type Connection = 'connecting' | 'live' | 'polling' | 'unreachable' | 'missing';

/** What a view reads. */
export interface ITransferModel {
  /** In the order in which they were begun. */
  readonly transfers: readonly ITransferStatus[];
  readonly connection: Connection;
  /** Bytes per second that the downloads receive; 0 while nobody knows. */
  readonly downRate: number;
  /** Bytes per second that all transfers send; 0 while nobody knows. */
  readonly upRate: number;
  /** Emitted after any of the above has changed. */
  readonly changed: ISignal<ITransferModel, void>;
}

export class TransferModel implements ITransferModel {
  get transfers(): readonly ITransferStatus[] {
    return [...this._transfers.values()];
  }

  get connection(): Connection {
    return this._connection;
  }

  get downRate(): number {
    // A rate is smoothed, and dies away for a while after the last byte: a finished download has none.
    return this._sum(({ state, down_rate }) => (state === 'downloading' ? down_rate : 0));
  }

  get upRate(): number {
    return this._sum(sendingRate);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Know these transfers and no others, as a poll or the first event of a socket tells. */
  replace(transfers: readonly ITransferStatus[], connection: Connection): void {
    this._transfers = new Map(transfers.map(transfer => [transfer.info_hash, transfer]));
    this._connection = connection;
    this._changed.emit();
  }

  /** Take in what changed and what went. */
  apply(event: ITransferEvent): void {
    for (const transfer of event.transfers) {
      this._transfers.set(transfer.info_hash, transfer);
    }
    for (const infoHash of event.removed) {
      this._transfers.delete(infoHash);
    }
    this._changed.emit();
  }

  /** No news can come: keep what is known. */
  lose(connection: 'unreachable' | 'missing'): void {
    this._connection = connection;
    this._changed.emit();
  }

  private _sum(rate: (transfer: ITransferStatus) => number): number {
    if (this._connection !== 'live' && this._connection !== 'polling') {
      return 0;
    }
    return this.transfers.reduce((total, transfer) => total + rate(transfer), 0);
  }

  private _transfers = new Map<string, ITransferStatus>();
  private _connection: Connection = 'connecting';
  private readonly _changed = new Signal<this, void>(this);
}
