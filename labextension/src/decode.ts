/** Turns the JSON of the server into the values of schema.ts, or says what is wrong with it. */

import type {
  IConnectionFailure,
  IFileStatus,
  IPeerStatus,
  IPieceMap,
  ISettings,
  ITrackerStatus,
  ITransferDetails,
  ITransferEvent,
  ITransferStatus,
  IWebSeedStatus
} from './schema';
import { FILE_PRIORITIES, TRANSFER_STATES } from './schema';

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

/** Read the answer of `GET webtorrent/api/torrents/HASH`; throws SchemaError. */
export function readDetails(value: unknown): ITransferDetails {
  const fields = asRecord(value, 'details');
  const pieces = fields['pieces'];
  return {
    transfer: readTransfer(fields['transfer']),
    files: asArray(fields['files'], 'files').map(readFile),
    peers: asArray(fields['peers'], 'peers').map(readPeer),
    trackers: asArray(fields['trackers'], 'trackers').map(readTracker),
    web_seeds: asArray(fields['web_seeds'], 'web_seeds').map(readWebSeed),
    failures: asArray(fields['failures'], 'failures').map(readFailure),
    pieces: pieces === null ? null : readPieceMap(pieces),
    private: asBoolean(fields['private'], 'private'),
    down_limit: asNumberOrNull(fields['down_limit'], 'down_limit'),
    up_limit: asNumberOrNull(fields['up_limit'], 'up_limit')
  };
}

/** Read what was chosen of the answer of `GET webtorrent/api/settings`; throws SchemaError. */
export function readChosenSettings(value: unknown): ISettings {
  const fields = asRecord(asRecord(value, 'settings')['chosen'], 'chosen settings');
  const trackers = fields['trackers'];
  const amount = (name: string): number | null => asNumberOrNull(fields[name], name);
  const choice = (name: string): boolean | null =>
    fields[name] === null ? null : asBoolean(fields[name], name);
  return {
    trackers:
      trackers === null
        ? null
        : asArray(trackers, 'trackers').map(url => asString(url, 'trackers')),
    download_folder:
      fields['download_folder'] === null ? null : asString(fields['download_folder'], 'folder'),
    listen_port: amount('listen_port'),
    down_limit: amount('down_limit'),
    up_limit: amount('up_limit'),
    limit_lan: choice('limit_lan'),
    lan_discovery: choice('lan_discovery'),
    dht: choice('dht'),
    port_mapping: choice('port_mapping'),
    seed_ratio: amount('seed_ratio'),
    seed_seconds: amount('seed_seconds')
  };
}

/** Read one transfer, as most calls answer; throws SchemaError. */
export function readTransfer(value: unknown): ITransferStatus {
  const fields = asRecord(value, 'transfer');
  const text = (name: string): string => asString(fields[name], name);
  const amount = (name: string): number => asNumber(fields[name], name);
  return {
    info_hash: text('info_hash'),
    name: text('name'),
    state: asOneOf(TRANSFER_STATES, fields['state'], 'state of a transfer'),
    magnet: text('magnet'),
    total: amount('total'),
    done: amount('done'),
    down_rate: amount('down_rate'),
    up_rate: amount('up_rate'),
    downloaded: amount('downloaded'),
    uploaded: amount('uploaded'),
    peers: amount('peers'),
    by_transport: asAmounts(fields['by_transport']),
    peers_by_transport: asAmounts(fields['peers_by_transport']),
    shared: asBoolean(fields['shared'], 'shared'),
    on_demand: asBoolean(fields['on_demand'], 'on_demand'),
    seconds: amount('seconds'),
    paths: asArray(fields['paths'], 'paths').map(item => asString(item, 'paths')),
    folder: text('folder'),
    notice: text('notice'),
    error: text('error')
  };
}

function readFile(value: unknown): IFileStatus {
  const fields = asRecord(value, 'file');
  return {
    index: asNumber(fields['index'], 'index'),
    path: asString(fields['path'], 'path'),
    length: asNumber(fields['length'], 'length'),
    done: asNumber(fields['done'], 'done'),
    wanted: asBoolean(fields['wanted'], 'wanted'),
    priority: asOneOf(FILE_PRIORITIES, fields['priority'], 'priority of a file')
  };
}

function readPeer(value: unknown): IPeerStatus {
  const fields = asRecord(value, 'peer');
  const amount = (name: string): number => asNumber(fields[name], name);
  return {
    address: asString(fields['address'], 'address'),
    client: asString(fields['client'], 'client'),
    transport: asString(fields['transport'], 'transport'),
    down_rate: amount('down_rate'),
    up_rate: amount('up_rate'),
    downloaded: amount('downloaded'),
    uploaded: amount('uploaded'),
    progress: amount('progress'),
    connected: asBoolean(fields['connected'], 'connected')
  };
}

function readTracker(value: unknown): ITrackerStatus {
  return {
    ...readWebSeed(value),
    seeders: asNumberOrNull(asRecord(value, 'tracker')['seeders'], 'seeders'),
    leechers: asNumberOrNull(asRecord(value, 'tracker')['leechers'], 'leechers')
  };
}

function readWebSeed(value: unknown): IWebSeedStatus {
  const fields = asRecord(value, 'source');
  return {
    url: asString(fields['url'], 'url'),
    state: asString(fields['state'], 'state'),
    message: asString(fields['message'], 'message')
  };
}

function readFailure(value: unknown): IConnectionFailure {
  const fields = asRecord(value, 'failure');
  return {
    address: asString(fields['address'], 'address'),
    transport: asString(fields['transport'], 'transport'),
    code: asString(fields['code'], 'code'),
    reason: asString(fields['reason'], 'reason'),
    seconds_ago: asNumber(fields['seconds_ago'], 'seconds_ago'),
    count: asNumber(fields['count'], 'count')
  };
}

function readPieceMap(value: unknown): IPieceMap {
  const fields = asRecord(value, 'pieces');
  return {
    count: asNumber(fields['count'], 'count'),
    length: asNumber(fields['length'], 'length'),
    done: asArray(fields['done'], 'done').map(item => asNumber(item, 'done'))
  };
}

function asAmounts(value: unknown): Record<string, number> {
  const fields = asRecord(value, 'by_transport');
  return Object.fromEntries(
    Object.entries(fields).map(([name, item]) => [name, asNumber(item, name)])
  );
}

function asOneOf<T extends string>(known: readonly T[], value: unknown, what: string): T {
  const found = known.find(item => item === value);
  if (found === undefined) {
    throw new SchemaError(`not a ${what}: ${JSON.stringify(value)}`);
  }
  return found;
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

function asNumberOrNull(value: unknown, what: string): number | null {
  return value === null ? null : asNumber(value, what);
}

function asBoolean(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') {
    throw new SchemaError(`${what} is neither true nor false`);
  }
  return value;
}
