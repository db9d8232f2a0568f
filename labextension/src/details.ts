/**
 * Keeps the details of the selected transfer, while somebody looks at them, and has some of it changed. Which
 * transfer that is, and whether the server answers, is the model's.
 */

import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { TransferApi } from './api';
import type { ITransferModel } from './model';
import { isConnected } from './model';
import type { ITransferChange, ITransferDetails } from './schema';
import { pause } from './timing';

/** Milliseconds between an answer and the next question. */
export const DETAILS_INTERVAL = 1_000;

/** What a view reads, and asks for. */
export interface IDetails {
  /** undefined until they are known; the last known ones while the server does not answer. */
  readonly details: ITransferDetails | undefined;
  /** When they were, in milliseconds as Date.now() counts. */
  readonly time: number;
  /** Why they could not be read or changed; undefined if they could. */
  readonly error: unknown;
  readonly changed: ISignal<IDetails, void>;
  /** Change the selected transfer; `error` tells of a refusal. */
  change(change: ITransferChange): Promise<void>;
}

/** Asks for nothing before it is told that somebody looks. */
export class DetailsFeed implements IDetails, IDisposable {
  constructor(api: Pick<TransferApi, 'details' | 'change'>, model: ITransferModel) {
    this._api = api;
    this._model = model;
    model.changed.connect(this._onModelChanged);
  }

  get details(): ITransferDetails | undefined {
    return this._details;
  }

  get time(): number {
    return this._time;
  }

  get error(): unknown {
    return this._refusal ?? this._trouble;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether somebody looks. */
  get watched(): boolean {
    return this._watched;
  }

  set watched(value: boolean) {
    this._watched = value;
    this._follow();
  }

  async change(change: ITransferChange): Promise<void> {
    const infoHash = this._model.selected?.info_hash;
    if (infoHash === undefined) {
      return;
    }
    // An answer that is on its way shows what was before.
    this._stop();
    this._refusal = undefined;
    try {
      this._take(infoHash, await this._api.change(infoHash, change));
    } catch (error) {
      // What is asked next is answered well, and must not wipe it away unread.
      this._refusal = infoHash === this._shown ? error : undefined;
      this._changed.emit();
    }
    this._follow();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    this._stop();
    this._model.changed.disconnect(this._onModelChanged);
    Signal.clearData(this);
  }

  private readonly _onModelChanged = (): void => {
    this._follow();
  };

  /** Ask for what is to be shown now, and for nothing else. */
  private _follow(): void {
    const selected = this._model.selected?.info_hash;
    if (selected !== this._shown) {
      this._stop();
      this._shown = selected;
      this._details = undefined;
      this._refusal = this._trouble = undefined;
      this._changed.emit();
    }
    const wanted = this._watched && !this._disposed && isConnected(this._model.connection);
    if (selected === undefined || !wanted) {
      this._stop();
    } else if (this._asking === undefined) {
      this._asking = new AbortController();
      void this._ask(selected, this._asking.signal);
    }
  }

  private async _ask(infoHash: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this._askOnce(infoHash, signal);
      await pause(DETAILS_INTERVAL, signal);
    }
  }

  private async _askOnce(infoHash: string, signal: AbortSignal): Promise<void> {
    try {
      const details = await this._api.details(infoHash, signal);
      if (!signal.aborted) {
        this._take(infoHash, details);
      }
    } catch (error) {
      if (!signal.aborted) {
        this._trouble = error;
        this._changed.emit();
      }
    }
  }

  private _stop(): void {
    this._asking?.abort();
    this._asking = undefined;
  }

  private _take(infoHash: string, details: ITransferDetails): void {
    if (infoHash === this._shown) {
      this._details = details;
      this._time = Date.now();
      this._trouble = undefined;
      this._changed.emit();
    }
  }

  private readonly _api: Pick<TransferApi, 'details' | 'change'>;
  private readonly _model: ITransferModel;
  private readonly _changed = new Signal<this, void>(this);
  private _asking: AbortController | undefined;
  private _details: ITransferDetails | undefined;
  private _disposed = false;
  private _refusal: unknown;
  private _shown: string | undefined;
  private _time = 0;
  private _trouble: unknown;
  private _watched = false;
}
