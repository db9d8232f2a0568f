/**
 * The REST API and the events WebSocket of the server extension. Nothing else in the front end fetches;
 * when to ask, and what to do with the answer, is left to feed.ts.
 */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { ITransferEvent, ITransferStatus } from './schema';
import { readTransferEvent, readTransfers } from './schema';

const API = 'webtorrent/api';

/** The calls that this front end makes, under the base URL of `settings`. */
export class TransferApi {
  constructor(settings: ServerConnection.ISettings) {
    this._settings = settings;
  }

  /**
   * All transfers, in the order in which they were begun.
   *
   * Rejects with ServerConnection.NetworkError, ServerConnection.ResponseError or SchemaError.
   */
  async list(signal: AbortSignal): Promise<ITransferStatus[]> {
    const url = URLExt.join(this._settings.baseUrl, API, 'torrents');
    const response = await ServerConnection.makeRequest(url, { signal }, this._settings);
    if (!response.ok) {
      throw await ServerConnection.ResponseError.create(response);
    }
    return readTransfers(await response.json());
  }

  /**
   * Hand every event to `receive` until the socket closes or `signal` says so.
   *
   * Resolves then, and never rejects: a socket that never opened and a message that cannot be read end it too.
   */
  follow(receive: (event: ITransferEvent) => void, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const socket = new this._settings.WebSocket(this._eventsUrl());
      const end = (): void => {
        signal.removeEventListener('abort', end);
        socket.onmessage = socket.onclose = socket.onerror = null;
        socket.close();
        resolve();
      };
      signal.addEventListener('abort', end);
      socket.onclose = end;
      socket.onerror = end;
      socket.onmessage = (message: MessageEvent<unknown>) => {
        try {
          receive(readTransferEvent(JSON.parse(String(message.data))));
        } catch (error) {
          console.error('jupyter-webtorrent: an event could not be read', error);
          end();
        }
      };
    });
  }

  private _eventsUrl(): string {
    const { appendToken, token, wsUrl } = this._settings;
    const query = appendToken && token !== '' ? URLExt.objectToQueryString({ token }) : '';
    return URLExt.join(wsUrl, API, 'events') + query;
  }

  private readonly _settings: ServerConnection.ISettings;
}
