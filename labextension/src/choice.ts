/** Which files of a torrent are to be fetched, as values: a dialog shows them. */

import type { IFileStatus } from './schema';

/** The files whose path holds every word of `filter`, whatever the case. */
export function filterFiles(files: readonly IFileStatus[], filter: string): readonly IFileStatus[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return files;
  }
  return files.filter(({ path }) => {
    const lower = path.toLowerCase();
    return words.every(word => lower.includes(word));
  });
}

/** `chosen`, with these files added or taken out. */
export function withFiles(
  chosen: ReadonlySet<number>,
  files: readonly IFileStatus[],
  wanted: boolean
): ReadonlySet<number> {
  const result = new Set(chosen);
  for (const { index } of files) {
    if (wanted) {
      result.add(index);
    } else {
      result.delete(index);
    }
  }
  return result;
}

/** Bytes of the chosen files. */
export function chosenBytes(files: readonly IFileStatus[], chosen: ReadonlySet<number>): number {
  return files.reduce((sum, { index, length }) => (chosen.has(index) ? sum + length : sum), 0);
}
