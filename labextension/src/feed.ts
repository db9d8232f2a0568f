/**
 * Keeps a TransferModel current: by the events WebSocket while it is open, by asking now and then while it is
 * not (some proxies let no WebSocket through), trying the socket again with back-off all the while.
 */

import type { IDisposable } from '@lumino/disposable';

import type { TransferApi } from './api';
import { isLoggedOut, isMissing } from './api';
import type { Lost, TransferModel } from './model';
import { pause } from './timing';

/** Milliseconds between two questions while there is no socket. */
export const POLL_INTERVAL = 3_000;

const FIRST_RETRY = 1_000;
const LAST_RETRY = 60_000;

/** Milliseconds to wait before the socket is tried again, after `failures` attempts in a row without an event. */
export function retryDelay(failures: number): number {
  return Math.min(FIRST_RETRY * 2 ** failures, LAST_RETRY);
}

/** Runs from its making until it is disposed of. */
export class TransferFeed implements IDisposable {
  constructor(api: Pick<TransferApi, 'follow' | 'list'>, model: TransferModel) {
    this._api = api;
    this._model = model;
    void this._run(this._stop.signal);
  }

  get isDisposed(): boolean {
    return this._stop.signal.aborted;
  }

  dispose(): void {
    this._stop.abort();
  }

  private async _run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      failures = (await this._follow(signal)) ? 0 : failures + 1;
      await this._pollFor(retryDelay(failures), signal);
    }
  }

  /** Resolves when the socket has closed, to whether it brought anything. */
  private async _follow(signal: AbortSignal): Promise<boolean> {
    let live = false;
    await this._api.follow(event => {
      if (!live) {
        live = true;
        this._model.replace(event.transfers, 'live');
      } else {
        this._model.apply(event);
      }
    }, signal);
    return live;
  }

  private async _pollFor(duration: number, signal: AbortSignal): Promise<void> {
    for (let left = duration; left > 0 && !signal.aborted; left -= POLL_INTERVAL) {
      await this._poll(signal);
      await pause(Math.min(left, POLL_INTERVAL), signal);
    }
  }

  private async _poll(signal: AbortSignal): Promise<void> {
    try {
      const transfers = await this._api.list(signal);
      this._model.replace(transfers, 'polling');
    } catch (error) {
      if (!signal.aborted) {
        this._model.lose(reasonOf(error));
      }
    }
  }

  private readonly _api: Pick<TransferApi, 'follow' | 'list'>;
  private readonly _model: TransferModel;
  private readonly _stop = new AbortController();
}

function reasonOf(error: unknown): Lost {
  return isMissing(error) ? 'missing' : isLoggedOut(error) ? 'forbidden' : 'unreachable';
}
