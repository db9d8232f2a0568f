/**
 * Brings dropped files to the server, over nothing that is there. The file browser's own upload asks its questions
 * in dialogs, and JupyterLab shows no dialog while another one is open.
 */

import type { Contents } from '@jupyterlab/services';

import type { IDroppedFile } from './desktop';
import { encodeFile, topLevel } from './desktop';

/** Bytes of a request. */
const CHUNK = 1 << 20;

type Files = Pick<Contents.IManager, 'get' | 'save'>;

/** One of the names is taken in the folder that the files are to go to. */
export class NameTakenError extends Error {
  constructor(readonly taken: string) {
    super(taken);
  }
}

/**
 * Save the files below `target` ('' is the folder that Jupyter serves), one after another; resolves to the paths
 * of what was dropped itself. Rejects with NameTakenError before anything is written, or as `files` does.
 */
export async function uploadAll(
  dropped: readonly IDroppedFile[],
  target: string,
  files: Files,
  signal: AbortSignal,
  progress: (bytes: number) => void
): Promise<string[]> {
  const names = topLevel(dropped);
  await requireFree(names, target, files);
  const made = new Set<string>();
  let sent = 0;
  for (const { file, folder } of dropped) {
    for (const path of withParents(folder)) {
      if (!made.has(path)) {
        made.add(path);
        await files.save(join(target, path), { type: 'directory' });
      }
    }
    await sendFile(file, join(target, folder, file.name), files, signal, bytes => {
      sent += bytes;
      progress(sent);
    });
  }
  return names.map(name => join(target, name));
}

/** Send a file in pieces of CHUNK; the last of them, or the only one, ends the file. */
async function sendFile(
  file: File,
  path: string,
  files: Files,
  signal: AbortSignal,
  sent: (bytes: number) => void
): Promise<void> {
  const count = Math.max(Math.ceil(file.size / CHUNK), 1);
  for (let number = 1; number <= count; number += 1) {
    signal.throwIfAborted();
    const part = file.slice((number - 1) * CHUNK, number * CHUNK);
    const model = {
      type: 'file',
      format: 'base64',
      name: file.name,
      content: await encodeFile(part),
      ...(count > 1 && { chunk: number < count ? number : -1 })
    } as const;
    await files.save(path, model);
    sent(part.size);
  }
}

async function requireFree(names: readonly string[], target: string, files: Files): Promise<void> {
  const there = new Set((await listFolder(files, target)).map(({ name }) => name));
  const taken = names.find(name => there.has(name));
  if (taken !== undefined) {
    throw new NameTakenError(taken);
  }
}

/** What is in a folder of the server; '' is the folder that Jupyter serves. */
export async function listFolder(
  files: Pick<Contents.IManager, 'get'>,
  folder: string
): Promise<Contents.IModel[]> {
  const model = await files.get(folder, { type: 'directory', content: true });
  return model.content as Contents.IModel[];
}

/** `a/b/c` as `a`, `a/b`, `a/b/c`. */
function withParents(folder: string): string[] {
  const parts = folder.split('/').filter(Boolean);
  return parts.map((_, end) => parts.slice(0, end + 1).join('/'));
}

function join(...parts: string[]): string {
  return parts.filter(Boolean).join('/');
}
