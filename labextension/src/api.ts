/**
 * The REST API and the events WebSocket of the server extension. Nothing else in the front end fetches;
 * when to ask, and what to do with the answer, is left to feed.ts.
 */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import {
  readChosenSettings,
  readDetails,
  readTransfer,
  readTransferEvent,
  readTransfers
} from './decode';
import type {
  IFetchRequest,
  ISettings,
  IShareRequest,
  ITransferChange,
  ITransferDetails,
  ITransferEvent,
  ITransferStatus
} from './schema';

const API = 'webtorrent/api';
const STREAM = 'webtorrent/stream';

/** What Jupyter and this extension say to a token or login that does not hold. */
const LOGGED_OUT = /\bForbidden$|^The token or login is missing/;

/**
 * The calls that this front end makes, under the base URL of `settings`.
 *
 * Each rejects with ServerConnection.NetworkError, with ServerConnection.ResponseError, whose message is the
 * server's one line for the person, or with SchemaError.
 */
export class TransferApi {
  constructor(settings: ServerConnection.ISettings) {
    this._settings = settings;
  }

  /** All transfers, in the order in which they were begun. */
  async list(signal?: AbortSignal): Promise<ITransferStatus[]> {
    return readTransfers(await this._json('GET', 'torrents', undefined, signal));
  }

  /** One transfer, and what it is made of. */
  async details(infoHash: string, signal?: AbortSignal): Promise<ITransferDetails> {
    return readDetails(await this._json('GET', `torrents/${infoHash}`, undefined, signal));
  }

  /** Resolves when the link is known, which takes as long as hashing does. */
  async share(request: IShareRequest): Promise<ITransferStatus> {
    return readTransfer(await this._json('POST', 'share', request));
  }

  /** Resolves when the fetch has begun. */
  async fetch(request: IFetchRequest): Promise<ITransferStatus> {
    return readTransfer(await this._json('POST', 'fetch', request));
  }

  /** The path of the one file that a transfer has; undefined where there are several, or nobody knows. */
  async onlyFile(infoHash: string): Promise<string | undefined> {
    const { files } = await this.details(infoHash);
    return files.length === 1 ? files[0]?.path : undefined;
  }

  async change(infoHash: string, change: ITransferChange): Promise<ITransferDetails> {
    return readDetails(await this._json('PATCH', `torrents/${infoHash}`, change));
  }

  async pause(infoHash: string): Promise<ITransferStatus> {
    return readTransfer(await this._json('POST', `torrents/${infoHash}/pause`));
  }

  async resume(infoHash: string): Promise<ITransferStatus> {
    return readTransfer(await this._json('POST', `torrents/${infoHash}/resume`));
  }

  /**
   * Forget a transfer, if it is still there; with `deleteData` what was fetched goes too, never what is shared from
   * its own place.
   */
  async remove(infoHash: string, deleteData = false): Promise<void> {
    try {
      await this._request('DELETE', `torrents/${infoHash}${deleteData ? '?data=true' : ''}`);
    } catch (error) {
      if (!isMissing(error)) {
        throw error;
      }
    }
  }

  /** Forget a transfer on demand, with what was read of it; rejects once somebody fetches or reads it. */
  async removeOnDemand(infoHash: string): Promise<void> {
    await this._request('DELETE', `torrents/${infoHash}?data=true&on_demand=true`);
  }

  /** What was chosen and holds now. */
  async chosenSettings(): Promise<ISettings> {
    return readChosenSettings(await this._json('GET', 'settings'));
  }

  /** Choose what holds until it is chosen anew, also over restarts of the server. */
  async applySettings(settings: ISettings): Promise<void> {
    await this._request('PUT', 'settings', settings);
  }

  /** Where the .torrent file of a transfer is. */
  metainfoUrl(infoHash: string): string {
    return URLExt.join(this._settings.baseUrl, API, 'torrents', infoHash, 'metainfo');
  }

  /** Where a file of a transfer can be read, by parts too, while it arrives; `download`: to be saved. */
  streamUrl(infoHash: string, path: string, { download = false } = {}): string {
    const parts = path.split('/');
    // A browser would follow a stranger's `..` to another address of this server.
    const hasDots = parts.some(part => part === '.' || part === '..');
    const name = hasDots ? encodeURIComponent(path) : parts.map(encodeURIComponent).join('/');
    const folder = URLExt.join(this._settings.baseUrl, STREAM, infoHash);
    return `${folder}/${name}${download ? '?download=1' : ''}`;
  }

  /** The first bytes of a file that is not empty, or with no `first` all of it, as soon as they are here. */
  async read(
    infoHash: string,
    path: string,
    { first, signal }: { first?: number; signal?: AbortSignal } = {}
  ): Promise<ArrayBuffer> {
    const init: RequestInit = { method: 'GET' };
    if (first !== undefined) {
      init.headers = { Range: `bytes=0-${first - 1}` };
    }
    const response = await this._send(this.streamUrl(infoHash, path), init, signal);
    return response.arrayBuffer();
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

  private async _json(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal
  ): Promise<unknown> {
    return (await this._request(method, path, body, signal)).json();
  }

  private async _request(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal
  ): Promise<Response> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    return this._send(URLExt.join(this._settings.baseUrl, API, path), init, signal);
  }

  private async _send(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    if (signal !== undefined) {
      init.signal = signal;
    }
    const response = await ServerConnection.makeRequest(url, init, this._settings);
    if (!response.ok) {
      throw await ServerConnection.ResponseError.create(response);
    }
    return response;
  }

  private _eventsUrl(): string {
    const { appendToken, token, wsUrl } = this._settings;
    const query = appendToken && token !== '' ? URLExt.objectToQueryString({ token }) : '';
    return URLExt.join(wsUrl, API, 'events') + query;
  }

  private readonly _settings: ServerConnection.ISettings;
}

/** Whether what was asked for is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof ServerConnection.ResponseError && error.response.status === 404;
}

/** Whether the server does not know who asks; what a person may not do, it says in words of its own. */
export function isLoggedOut(error: unknown): boolean {
  if (!(error instanceof ServerConnection.ResponseError)) {
    return false;
  }
  const { status } = error.response;
  return status === 401 || (status === 403 && LOGGED_OUT.test(error.message));
}
