/** Where a file of a transfer is, as JupyterLab's contents manager names it. */

import type { ITransferDetails } from './schema';

/**
 * The path below `root`, the folder that Jupyter serves, of a file of a finished transfer; undefined if it is
 * not finished or not below it. `root` is absolute, with `/` or `\`, and empty if nobody knows it.
 */
export function contentsPath(
  { transfer, files }: Pick<ITransferDetails, 'transfer' | 'files'>,
  file: string,
  root: string
): string | undefined {
  const [top, ...others] = transfer.paths.map(withSlashes);
  if (root === '' || top === undefined || others.length > 0) {
    return undefined;
  }
  const base = withSlashes(root).replace(/\/$/u, '');
  // A torrent of one file has no folder; its file may have got another name on disk.
  const isFile = files.length === 1 && file === transfer.name;
  const place = isFile ? top : `${top}/${file}`;
  return place.startsWith(`${base}/`) ? place.slice(base.length + 1) : undefined;
}

function withSlashes(path: string): string {
  // A backslash is a letter like any other where paths begin with a slash.
  return path.startsWith('/') ? path : path.replaceAll('\\', '/');
}
