/** The ids of the extension's commands and what their arguments are; plugins/ says what they do. */

import type { ReadonlyJSONObject } from '@lumino/coreutils';

export const CommandIDs = {
  /** Open the share dialog for `paths`, or else for what is selected in the file browser or in front. */
  share: 'webtorrent:share',
  /** Open the fetch dialog, with a link or a .torrent file's content in it. */
  fetch: 'webtorrent:fetch',
  /** Bring the panel to the front, with a transfer selected. */
  show: 'webtorrent:show',
  /** Pause a transfer, or else all of them. */
  pause: 'webtorrent:pause',
  /** Let a transfer go on, or else all of them. */
  resume: 'webtorrent:resume',
  /** Forget a transfer, after asking. */
  remove: 'webtorrent:remove',
  copyLink: 'webtorrent:copy-link',
  /** Play or show one file of a transfer, also while it arrives. */
  openFile: 'webtorrent:open-file',
  details: 'webtorrent:details'
} as const;

/** Where the command palette lists them. */
export const PALETTE_CATEGORY = 'WebTorrent';

const INFO_HASH = {
  type: 'string',
  description: 'The info hash of a transfer: 40 hexadecimal digits'
} as const;

/** The argument of whatever is done to one transfer. */
export const TRANSFER_ARGS: ReadonlyJSONObject = {
  type: 'object',
  properties: { infoHash: INFO_HASH },
  required: ['infoHash']
};

/** The same, where all transfers are meant if none is named. */
export const TRANSFERS_ARGS: ReadonlyJSONObject = {
  type: 'object',
  properties: { infoHash: INFO_HASH }
};

/** The arguments of what is done to one file of a transfer. */
export const FILE_ARGS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    infoHash: INFO_HASH,
    path: {
      type: 'string',
      description: "The file's path in the torrent, with /; left out: its only file"
    }
  },
  required: ['infoHash']
};

export const SHARE_ARGS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    paths: {
      type: 'array',
      items: { type: 'string' },
      description: 'Files and folders, relative to the folder that Jupyter serves'
    }
  }
};

export const FETCH_ARGS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    link: {
      type: 'string',
      description: 'A magnet link, an info hash, or the path or URL of a .torrent file'
    },
    metainfo: { type: 'string', description: "A .torrent file's content in base64" },
    isLauncher: { type: 'boolean', description: "Whether the label is for the launcher's card" }
  }
};
