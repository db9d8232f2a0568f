/**
 * The values of jupyter_webtorrent/schema/transfers.py that the front end reads, and the check that turns
 * JSON into them. Field names are those of the wire; sizes are bytes, rates bytes per second, times seconds.
 */

export const TRANSFER_STATES = [
  'metadata',
  'checking',
  'downloading',
  'seeding',
  'paused',
  'failed'
] as const;

/** A transfer is in exactly one of these states. */
export type TransferState = (typeof TRANSFER_STATES)[number];

/** One torrent of a session, as it is now. */
export interface ITransferStatus {
  readonly info_hash: string;
  readonly name: string;
  readonly state: TransferState;
  readonly magnet: string;
  /** Wanted bytes; 0 while unknown. */
  readonly total: number;
  /** Wanted bytes that are verified. */
  readonly done: number;
  readonly down_rate: number;
  readonly up_rate: number;
  readonly downloaded: number;
  readonly uploaded: number;
  /** Connected peers. */
  readonly peers: number;
  /** Block bytes received, by `tcp`, `webrtc` and `webseed`. */
  readonly by_transport: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Absolute paths of what is finished; empty until then. */
  readonly paths: readonly string[];
  readonly folder: string;
  /** What a person may want to know while it goes on. */
  readonly notice: string;
  readonly error: string;
}

/** What the events WebSocket sends: all transfers once at the start, then those that changed or went. */
export interface ITransferEvent {
  readonly transfers: readonly ITransferStatus[];
  /** Info hashes. */
  readonly removed: readonly string[];
  readonly down_rate: number;
  readonly up_rate: number;
}

/** The server sent something that this version of the front end does not know. */
export class SchemaError extends Error {}

/** Read the answer of `GET webtorrent/api/torrents`; throws SchemaError. */
export function readTransfers(value: unknown): ITransferStatus[] {
  return asArray(value, 'transfers').map(readTransfer);
}

/** Read a message of the events WebSocket; throws SchemaError. */
export function readTransferEvent(value: unknown): ITransferEvent {
  const fields = asRecord(value, 'event');
  return {
    transfers: readTransfers(fields['transfers']),
    removed: asArray(fields['removed'], 'removed').map(item => asString(item, 'removed')),
    down_rate: asNumber(fields['down_rate'], 'down_rate'),
    up_rate: asNumber(fields['up_rate'], 'up_rate')
  };
}

function readTransfer(value: unknown): ITransferStatus {
  const fields = asRecord(value, 'transfer');
  const text = (name: string): string => asString(fields[name], name);
  const amount = (name: string): number => asNumber(fields[name], name);
  return {
    info_hash: text('info_hash'),
    name: text('name'),
    state: asState(fields['state']),
    magnet: text('magnet'),
    total: amount('total'),
    done: amount('done'),
    down_rate: amount('down_rate'),
    up_rate: amount('up_rate'),
    downloaded: amount('downloaded'),
    uploaded: amount('uploaded'),
    peers: amount('peers'),
    by_transport: asAmounts(fields['by_transport']),
    seconds: amount('seconds'),
    paths: asArray(fields['paths'], 'paths').map(item => asString(item, 'paths')),
    folder: text('folder'),
    notice: text('notice'),
    error: text('error')
  };
}

function asAmounts(value: unknown): Record<string, number> {
  const fields = asRecord(value, 'by_transport');
  return Object.fromEntries(
    Object.entries(fields).map(([name, item]) => [name, asNumber(item, name)])
  );
}

function asState(value: unknown): TransferState {
  const state = TRANSFER_STATES.find(known => known === value);
  if (state === undefined) {
    throw new SchemaError(`not a state of a transfer: ${JSON.stringify(value)}`);
  }
  return state;
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SchemaError(`${what} is not an object`);
  }
  return value as Record<string, unknown>;
}

function asArray(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) {
    throw new SchemaError(`${what} is not a list`);
  }
  return value as unknown[];
}

function asString(value: unknown, what: string): string {
  if (typeof value !== 'string') {
    throw new SchemaError(`${what} is not text`);
  }
  return value;
}

function asNumber(value: unknown, what: string): number {
  if (typeof value !== 'number') {
    throw new SchemaError(`${what} is not a number`);
  }
  return value;
}
