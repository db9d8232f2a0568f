/**
 * What the front end knows of the transfers, and which of them a person looks at: values and a signal. How they
 * come here is left to feed.ts, how they look to components/.
 */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { receivingRate, sendingRate } from './format';
import type { IRateSample } from './history';
import { RateHistory } from './history';
import type { ITransferEvent, ITransferStatus } from './schema';

/**
 * How the model is kept: not yet, by events, by asking now and then, or not at all because the server does not
 * answer (`unreachable`), does not have the extension (`missing`) or no longer knows who asks (`forbidden`).
 */
export type Connection = 'connecting' | 'live' | 'polling' | Lost;

/** Why no news can come. */
export type Lost = 'unreachable' | 'missing' | 'forbidden';

/** Whether the server answers with what it knows. */
export function isConnected(connection: Connection): boolean {
  return connection === 'live' || connection === 'polling';
}

/** What a view reads. */
export interface ITransferModel {
  /** In the order in which they were begun. */
  readonly transfers: readonly ITransferStatus[];
  readonly connection: Connection;
  /** Bytes per second that the downloads receive; 0 while nobody knows. */
  readonly downRate: number;
  /** Bytes per second that all transfers send; 0 while nobody knows. */
  readonly upRate: number;
  /** The transfer whose details are shown. */
  readonly selected: ITransferStatus | undefined;
  /** Emitted after any of the above has changed. */
  readonly changed: ISignal<ITransferModel, void>;
  /** Show the details of a transfer, by its info hash, or of none; one that is not here yet may come. */
  select(infoHash: string | null): void;
  /** The rates of a transfer over the last minutes, the oldest first. */
  history(infoHash: string): readonly IRateSample[];
}

export class TransferModel implements ITransferModel {
  /** `now` is a clock in milliseconds. */
  constructor(now: () => number = Date.now) {
    this._now = now;
  }

  get transfers(): readonly ITransferStatus[] {
    return [...this._transfers.values()];
  }

  get connection(): Connection {
    return this._connection;
  }

  get downRate(): number {
    return this._sum(receivingRate);
  }

  get upRate(): number {
    return this._sum(sendingRate);
  }

  get selected(): ITransferStatus | undefined {
    return this._selected === null ? undefined : this._transfers.get(this._selected);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  select(infoHash: string | null): void {
    if (infoHash !== this._selected) {
      this._selected = infoHash;
      this._changed.emit();
    }
  }

  history(infoHash: string): readonly IRateSample[] {
    return this._history.of(infoHash);
  }

  /** Know these transfers and no others, as a poll or the first event of a socket tells. */
  replace(transfers: readonly ITransferStatus[], connection: Connection): void {
    const known = new Set(transfers.map(transfer => transfer.info_hash));
    this._forget([...this._transfers.keys()].filter(infoHash => !known.has(infoHash)));
    // A restarted server may tell them in another order.
    this._transfers = new Map();
    this._know(transfers);
    this._connection = connection;
    this._changed.emit();
  }

  /** Take in what changed and what went. */
  apply(event: ITransferEvent): void {
    this._know(event.transfers);
    this._forget(event.removed);
    this._changed.emit();
  }

  /** No news can come: keep what is known. */
  lose(connection: Lost): void {
    this._connection = connection;
    const time = this._now();
    for (const infoHash of this._transfers.keys()) {
      this._history.add(infoHash, { time, down: 0, up: 0 });
    }
    this._changed.emit();
  }

  private _know(transfers: readonly ITransferStatus[]): void {
    const time = this._now();
    for (const transfer of transfers) {
      this._transfers.set(transfer.info_hash, transfer);
      this._history.add(transfer.info_hash, {
        time,
        down: receivingRate(transfer),
        up: sendingRate(transfer)
      });
    }
  }

  private _forget(infoHashes: readonly string[]): void {
    for (const infoHash of infoHashes) {
      this._transfers.delete(infoHash);
      this._history.forget(infoHash);
      if (this._selected === infoHash) {
        this._selected = null;
      }
    }
  }

  private _sum(rate: (transfer: ITransferStatus) => number): number {
    if (!isConnected(this._connection)) {
      return 0;
    }
    return this.transfers.reduce((total, transfer) => total + rate(transfer), 0);
  }

  private readonly _now: () => number;
  private readonly _history = new RateHistory();
  private _transfers = new Map<string, ITransferStatus>();
  private _connection: Connection = 'connecting';
  private _selected: string | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
