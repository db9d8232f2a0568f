/** What the share dialog's fields ask of the server. */

import type { IShareRequest } from './schema';

/** The fields as a person fills them in. */
export interface IShareFields {
  readonly name: string;
  readonly private: boolean;
  /** A URL a line; empty: the server's own. */
  readonly trackers: string;
  /** Empty: no goal. */
  readonly ratio: string;
  readonly hours: string;
}

/** How a share of these paths is called unless it is given a name: as its only file or folder, or their folder. */
export function defaultName(paths: readonly string[]): string {
  const [first = ''] = paths;
  const parts = first.split('/').filter(part => part !== '' && part !== '.');
  return (paths.length === 1 ? parts.at(-1) : parts.at(-2)) ?? '';
}

/** The request; a field that was left as it was is left to the server. */
export function shareRequest(paths: readonly string[], fields: IShareFields): IShareRequest {
  const name = fields.name.trim();
  const trackers = fields.trackers.split(/\s+/).filter(Boolean);
  const hours = positive(fields.hours);
  return {
    paths,
    name: name === '' || name === defaultName(paths) ? null : name,
    trackers: trackers.length === 0 ? null : trackers,
    private: fields.private,
    seed_ratio: positive(fields.ratio),
    seed_seconds: hours === null ? null : hours * 3600,
    copy_notebooks: true
  };
}

/** Whether notebooks may be among them: a folder is not looked into. */
export function mayHoldNotebooks(paths: readonly string[]): boolean {
  return paths.some(path => path.endsWith('.ipynb') || !/\.[^/.]+$/.test(path));
}

function positive(text: string): number | null {
  const number = Number(text);
  return Number.isFinite(number) && number > 0 ? number : null;
}
