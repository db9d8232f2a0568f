/**
 * The values of jupyter_webtorrent/schema/ that the front end reads and sends. Field names are those of the
 * wire; sizes are bytes, rates bytes per second, times seconds. decode.ts turns JSON into them.
 */

export const TRANSFER_STATES = [
  'metadata',
  'checking',
  'downloading',
  'seeding',
  'paused',
  'failed',
  'on_demand'
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
  /** Connected peers, by the same. */
  readonly peers_by_transport: Readonly<Record<string, number>>;
  /** Whether it was shared from its own place here, not fetched. */
  readonly shared: boolean;
  /** Whether only its list of files and what readers ask for are fetched, in whatever state. */
  readonly on_demand: boolean;
  readonly seconds: number;
  /** Absolute paths of what is finished; empty until then. */
  readonly paths: readonly string[];
  readonly folder: string;
  /** What a person may want to know while it goes on. */
  readonly notice: string;
  readonly error: string;
}

export const FILE_PRIORITIES = ['skip', 'low', 'normal', 'high'] as const;

export type FilePriority = (typeof FILE_PRIORITIES)[number];

export interface IFileStatus {
  readonly index: number;
  /** Relative to the torrent, with `/`. */
  readonly path: string;
  readonly length: number;
  /** Verified bytes. */
  readonly done: number;
  readonly wanted: boolean;
  readonly priority: FilePriority;
}

export interface IPeerStatus {
  readonly address: string;
  readonly client: string;
  /** `tcp`, `webrtc` or `webseed`. */
  readonly transport: string;
  readonly down_rate: number;
  readonly up_rate: number;
  readonly downloaded: number;
  readonly uploaded: number;
  /** From 0 to 1. */
  readonly progress: number;
  /** Otherwise it is gone, and sent some of what is here. */
  readonly connected: boolean;
}

export interface ITrackerStatus {
  readonly url: string;
  /** `connecting`, `working`, `failed`, or `standby`: another one of its tier works. */
  readonly state: string;
  readonly message: string;
  readonly seeders: number | null;
  readonly leechers: number | null;
}

export interface IWebSeedStatus {
  readonly url: string;
  /** `waiting`, `working` or `failed`. */
  readonly state: string;
  readonly message: string;
}

/** Attempts to connect to one peer that ended alike. */
export interface IConnectionFailure {
  /** The peer's address, or else its peer id or the tracker's URL. */
  readonly address: string;
  readonly transport: string;
  readonly code: string;
  /** One line: what happened, and what to do about it. */
  readonly reason: string;
  readonly seconds_ago: number;
  readonly count: number;
}

export interface IPieceMap {
  /** Pieces of the torrent. */
  readonly count: number;
  /** Bytes of a piece. */
  readonly length: number;
  /** Per cent that are verified of each of equal runs of pieces. */
  readonly done: readonly number[];
}

/** A transfer, and what it is made of. */
export interface ITransferDetails {
  readonly transfer: ITransferStatus;
  readonly files: readonly IFileStatus[];
  readonly peers: readonly IPeerStatus[];
  readonly trackers: readonly ITrackerStatus[];
  readonly web_seeds: readonly IWebSeedStatus[];
  /** The newest first. */
  readonly failures: readonly IConnectionFailure[];
  /** null while the metadata is unknown. */
  readonly pieces: IPieceMap | null;
  readonly private: boolean;
  /** Bytes per second of this transfer alone; null: no limit of its own. */
  readonly down_limit: number | null;
  readonly up_limit: number | null;
}

/** What the events WebSocket sends: all transfers once at the start, then those that changed or went. */
export interface ITransferEvent {
  readonly transfers: readonly ITransferStatus[];
  /** Info hashes. */
  readonly removed: readonly string[];
  readonly down_rate: number;
  readonly up_rate: number;
}

/** What `POST webtorrent/api/share` takes; paths are relative to the folder that Jupyter serves. */
export interface IShareRequest {
  readonly paths: readonly string[];
  readonly name?: string | null;
  /** null: the server's own. */
  readonly trackers?: readonly string[] | null;
  readonly private?: boolean;
  readonly seed_ratio?: number | null;
  readonly seed_seconds?: number | null;
  readonly web_seeds?: readonly string[];
  /** Share notebooks as they are now, from copies. */
  readonly copy_notebooks?: boolean;
}

/** What `POST webtorrent/api/fetch` takes. */
export interface IFetchRequest {
  readonly link: string;
  /** Instead of a link, which is empty then: a .torrent file's content in base64. */
  readonly metainfo?: string;
  /** Relative to the folder that Jupyter serves; left out: where the server's settings say. */
  readonly folder?: string;
  readonly trackers?: readonly string[] | null;
  readonly select?: readonly string[];
  /** Indices; empty: every file. */
  readonly files?: readonly number[];
  /** Get the list of files, and nothing else until files are chosen or fetched. */
  readonly on_demand?: boolean;
  readonly sequential?: boolean;
}

/** What `PATCH webtorrent/api/torrents/HASH` takes; what is left out stays. */
export interface ITransferChange {
  /** By index. */
  readonly priorities?: Readonly<Record<number, FilePriority>>;
  /** Bytes per second; null: no limit but the session's. */
  readonly down_limit?: number | null;
  readonly up_limit?: number | null;
}

/** null, everywhere: as the server is configured. */
export interface ISettings {
  readonly trackers: readonly string[] | null;
  /** Relative to the folder that Jupyter serves. */
  readonly download_folder: string | null;
  readonly listen_port: number | null;
  /** Bytes per second; 0: no limit. */
  readonly down_limit: number | null;
  readonly up_limit: number | null;
  readonly limit_lan: boolean | null;
  readonly lan_discovery: boolean | null;
  readonly dht: boolean | null;
  readonly port_mapping: boolean | null;
  /** 0: never. */
  readonly seed_ratio: number | null;
  readonly seed_seconds: number | null;
}
