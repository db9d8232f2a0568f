/**
 * What a preview of one file knows: which file it is, how much of it is here, and what there is to show. It asks
 * for no more than is shown; how that looks is left to components/.
 */

import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { readRows } from './delimited';
import { mediaKind } from './media';
import type { MediaKind } from './media';
import type { ICellPreview } from './notebook';
import { NotebookError, readNotebook } from './notebook';
import type { IFileStatus, ITransferStatus } from './schema';
import type { ITransferApi } from './tokens';

/** What a preview reads of the transfers. */
export interface WatchedTransfers {
  readonly transfers: readonly ITransferStatus[];
  readonly changed: ISignal<WatchedTransfers, void>;
}

/** Bytes of a text or table that are read. */
const TEXT_BYTES = 256 * 1024;
/** Rows of a table that are shown. */
export const MAX_ROWS = 200;
/** Cells of a notebook that are shown. */
const MAX_CELLS = 500;
/** Bytes of what has to be read whole: a larger one can be saved. */
const MAX_NOTEBOOK_BYTES = 5_000_000;
const MAX_PDF_BYTES = 100_000_000;
/** Milliseconds between two looks at how much is here. */
const LOOK_INTERVAL = 1_000;
/** Milliseconds before a player tries again to get what has not arrived yet. */
const RETRY_DELAYS = [1_000, 3_000, 9_000];

/** What there is to show. */
export type PreviewContent =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'missing' | 'empty' | 'unplayable' | 'cut' | 'large' | 'odd' | 'other' }
  | { readonly kind: 'video' | 'audio' | 'image'; readonly url: string }
  | { readonly kind: 'pdf'; readonly url: string }
  | { readonly kind: 'text'; readonly text: string; readonly isCut: boolean }
  | { readonly kind: 'table'; readonly rows: readonly string[][]; readonly isCut: boolean }
  | {
      readonly kind: 'notebook';
      readonly cells: readonly ICellPreview[];
      readonly total: number;
    };

export class FilePreview implements IDisposable {
  constructor(
    readonly infoHash: string,
    readonly path: string,
    private readonly _api: Pick<ITransferApi, 'change' | 'details' | 'read' | 'streamUrl'>,
    private readonly _transfers: WatchedTransfers
  ) {
    this.kind = mediaKind(path);
    _transfers.changed.connect(this._look);
    void this.load();
  }

  readonly kind: MediaKind;

  /** undefined while nobody knows. */
  get file(): IFileStatus | undefined {
    return this._file;
  }

  /** Whether the transfer was here, and is no longer. */
  get isGone(): boolean {
    return this._isGone;
  }

  get content(): PreviewContent {
    return this._content;
  }

  get downloadUrl(): string {
    return this._api.streamUrl(this.infoHash, this.path, { download: true });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._stop.signal.aborted;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._stop.abort();
    this._transfers.changed.disconnect(this._look);
    this._show({ kind: 'loading' });
    Signal.clearData(this);
  }

  /** Begin, or begin again. */
  async load(): Promise<void> {
    this._tries = 0;
    this._show({ kind: 'loading' });
    try {
      const file = await this._find();
      if (file !== undefined) {
        this._show(await this._read(file));
      }
    } catch (error) {
      this._show({ kind: 'failed', error });
    }
  }

  /**
   * The browser gave up: whether it is to try again, after a while, as more may have arrived by then.
   *
   * If not, what is shown says why: it got no bytes, not those that it needs, or cannot use them.
   */
  async mediaFailed(): Promise<boolean> {
    await this._refresh();
    const isHere = this._file === undefined || this._file.done >= this._file.length;
    const delay = isHere ? undefined : RETRY_DELAYS[this._tries++];
    if (delay !== undefined) {
      await new Promise(resolve => setTimeout(resolve, delay));
      return !this.isDisposed;
    }
    try {
      await this._api.read(this.infoHash, this.path, { first: 1, signal: this._stop.signal });
      this._show({ kind: isHere ? 'unplayable' : 'cut' });
    } catch (error) {
      this._show({ kind: 'failed', error });
    }
    return false;
  }

  /** The player got what it needs. */
  mediaPlays(): void {
    this._tries = 0;
  }

  /** The file, wanted if it was not; undefined where there is no list of files yet, or it is not in it. */
  private async _find(): Promise<IFileStatus | undefined> {
    const { files, pieces, transfer } = await this._details();
    const file = files.find(({ path }) => path === this.path);
    this._isAwaited = pieces === null;
    if (file === undefined) {
      if (!this._isAwaited) {
        this._show({ kind: 'missing' });
      }
      return undefined;
    }
    if (file.priority === 'skip' && transfer.state !== 'on_demand' && file.done < file.length) {
      await this._api.change(this.infoHash, { priorities: { [file.index]: 'normal' } });
    }
    this._file = file;
    return file;
  }

  private async _read({ length }: IFileStatus): Promise<PreviewContent> {
    const { kind } = this;
    if (length === 0) {
      return { kind: 'empty' };
    }
    switch (kind) {
      case 'video':
      case 'audio':
      case 'image':
        return { kind, url: this._api.streamUrl(this.infoHash, this.path) };
      case 'pdf': {
        if (length > MAX_PDF_BYTES || !navigator.pdfViewerEnabled) {
          return { kind: length > MAX_PDF_BYTES ? 'large' : 'unplayable' };
        }
        const blob = new Blob([await this._bytes()], { type: 'application/pdf' });
        return { kind, url: URL.createObjectURL(blob) };
      }
      case 'table': {
        const text = decode(await this._bytes(TEXT_BYTES));
        const delimiter = this.path.toLowerCase().endsWith('.tsv') ? '\t' : ',';
        const isCut = length > TEXT_BYTES;
        const rows = readRows(text, delimiter, MAX_ROWS + 1);
        // The last row of a part of a table may be a part of a row.
        const whole = isCut && rows.length <= MAX_ROWS ? rows.slice(0, -1) : rows;
        return { kind, rows: whole.slice(0, MAX_ROWS), isCut: isCut || rows.length > MAX_ROWS };
      }
      case 'text':
        return {
          kind,
          text: decode(await this._bytes(TEXT_BYTES)),
          isCut: length > TEXT_BYTES
        };
      case 'notebook':
        return length > MAX_NOTEBOOK_BYTES ? { kind: 'large' } : this._notebook();
      case 'other':
        return { kind };
    }
  }

  private async _notebook(): Promise<PreviewContent> {
    try {
      return { kind: 'notebook', ...readNotebook(decode(await this._bytes()), MAX_CELLS) };
    } catch (error) {
      if (error instanceof NotebookError) {
        return { kind: 'odd' };
      }
      throw error;
    }
  }

  private _bytes(first?: number): Promise<ArrayBuffer> {
    const { signal } = this._stop;
    return this._api.read(
      this.infoHash,
      this.path,
      first === undefined ? { signal } : { first, signal }
    );
  }

  private async _details(): ReturnType<ITransferApi['details']> {
    this._lookedAt = Date.now();
    return this._api.details(this.infoHash, this._stop.signal);
  }

  private async _refresh(): Promise<void> {
    try {
      const { files } = await this._details();
      this._file = files.find(({ path }) => path === this.path) ?? this._file;
      this._changed.emit();
    } catch {
      // The next change brings another look; what is shown stays true.
    }
  }

  private _show(content: PreviewContent): void {
    if (this._content.kind === 'pdf') {
      URL.revokeObjectURL(this._content.url);
    }
    if (this.isDisposed) {
      if (content.kind === 'pdf') {
        URL.revokeObjectURL(content.url);
      }
      return;
    }
    this._content = content;
    this._changed.emit();
  }

  /** Something happened to some transfer: see how much of the file is here. */
  private readonly _look = (): void => {
    const transfer = this._transfers.transfers.find(({ info_hash }) => info_hash === this.infoHash);
    const isGone = transfer === undefined && this._file !== undefined;
    if (isGone !== this._isGone) {
      this._isGone = isGone;
      this._changed.emit();
    }
    if (transfer === undefined) {
      return;
    }
    if (this._isAwaited) {
      if (transfer.state !== 'metadata') {
        this._isAwaited = false;
        void this.load();
      }
      return;
    }
    const isHere = this._file === undefined || this._file.done >= this._file.length;
    if (!isHere && Date.now() - this._lookedAt >= LOOK_INTERVAL) {
      void this._refresh();
    }
  };

  private _file: IFileStatus | undefined;
  private _content: PreviewContent = { kind: 'loading' };
  private _isAwaited = false;
  private _isGone = false;
  private _lookedAt = 0;
  private _tries = 0;
  private readonly _stop = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
}

/** As UTF-8; what is none of it is shown as such. */
function decode(bytes: ArrayBuffer): string {
  return new TextDecoder().decode(bytes);
}
