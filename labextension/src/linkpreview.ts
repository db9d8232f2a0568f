/**
 * Looks at what a link leads to before anything of it is fetched: a transfer on demand, which gets the list of
 * files and nothing else. It becomes a download, or goes again with the preview that began it.
 */

import { ServerConnection } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { TransferApi } from './api';
import { pause } from './timing';
import type { IFetchRequest, IFileStatus, ITransferDetails, ITransferStatus } from './schema';

/** Milliseconds between two looks at whether the files are known. */
const LOOK_INTERVAL = 500;

/** A link, or else a .torrent file's content in base64. */
export type TorrentSource = Pick<IFetchRequest, 'link' | 'metainfo'>;

/**
 * `looking` for the files (`transfer` is undefined until the server has answered), `ready` to be fetched, `here`:
 * it is a transfer already, or `failed`.
 */
export type PreviewState =
  | { readonly kind: 'looking'; readonly transfer: ITransferStatus | undefined }
  | {
      readonly kind: 'ready';
      readonly transfer: ITransferStatus;
      readonly files: readonly IFileStatus[];
    }
  | { readonly kind: 'here'; readonly transfer: ITransferStatus }
  | { readonly kind: 'failed'; readonly error: unknown };

type PreviewApi = Pick<TransferApi, 'details' | 'fetch' | 'list' | 'removeOnDemand'>;

/** Runs from its making; whoever disposes of it before `fetch` has succeeded leaves nothing behind. */
export class TorrentPreview implements IDisposable {
  constructor(api: PreviewApi, source: TorrentSource) {
    this._api = api;
    this._source = source;
    this._looked = this._look(this._stop.signal);
  }

  get state(): PreviewState {
    return this._state;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._stop.signal.aborted;
  }

  /** Begin the download; rejects as TransferApi.fetch does. `files`: indices, empty: every file. */
  async fetch(folder: string, files: readonly number[]): Promise<ITransferStatus> {
    const begun = this._begun;
    this._begun = undefined;
    try {
      return await this._api.fetch({ ...this._source, folder, files });
    } catch (error) {
      this._begun = begun;
      if (this.isDisposed) {
        await this._takeBack();
      }
      throw error;
    }
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._stop.abort();
    Signal.clearData(this);
    void this._looked.then(() => this._takeBack());
  }

  private async _look(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const state = await this._end(await this._begin(), signal);
        if (state !== undefined) {
          this._tell(state);
          return;
        }
        await pause(LOOK_INTERVAL, signal);
      }
    } catch (error) {
      await this._takeBack();
      this._tell({ kind: 'failed', error });
    }
  }

  /** Have the server look, or join whoever looks there already. */
  private async _begin(): Promise<string> {
    const before = await this._api.list();
    const { info_hash } = await this._api.fetch({ ...this._source, on_demand: true });
    const isNew = before.every(transfer => transfer.info_hash !== info_hash);
    this._begun = isNew ? info_hash : undefined;
    return info_hash;
  }

  /** What the look comes to; undefined if it is called off, or was joined and somebody else called that off. */
  private async _end(infoHash: string, signal: AbortSignal): Promise<PreviewState | undefined> {
    while (!signal.aborted) {
      const details = await this._details(infoHash, signal);
      if (details === undefined) {
        return undefined;
      }
      const { transfer, files } = details;
      if (!transfer.on_demand) {
        this._begun = undefined;
        return { kind: 'here', transfer };
      }
      if (transfer.state === 'failed') {
        throw new Error(transfer.error);
      }
      if (files.length > 0) {
        return { kind: 'ready', transfer, files };
      }
      this._tell({ kind: 'looking', transfer });
      await pause(LOOK_INTERVAL, signal);
    }
    return undefined;
  }

  /** undefined: it is gone. */
  private async _details(
    infoHash: string,
    signal: AbortSignal
  ): Promise<ITransferDetails | undefined> {
    try {
      return await this._api.details(infoHash, signal);
    } catch (error) {
      if (error instanceof ServerConnection.ResponseError && error.response.status === 404) {
        return undefined;
      }
      throw error;
    }
  }

  /** Remove the transfer that was begun, unless somebody has made a download of it since. */
  private async _takeBack(): Promise<void> {
    const infoHash = this._begun;
    if (infoHash === undefined) {
      return;
    }
    this._begun = undefined;
    try {
      await this._api.removeOnDemand(infoHash);
    } catch {
      // It is a download by now, or gone, or the server is: the list of transfers shows which.
    }
  }

  private _tell(state: PreviewState): void {
    if (!this.isDisposed) {
      this._state = state;
      this._changed.emit();
    }
  }

  private _state: PreviewState = { kind: 'looking', transfer: undefined };
  /** The info hash of a transfer that is here for this preview alone. */
  private _begun: string | undefined;
  private readonly _looked: Promise<void>;
  private readonly _api: PreviewApi;
  private readonly _source: TorrentSource;
  private readonly _stop = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
}
