/**
 * Brings dropped files to the server, over nothing that is there. The file browser's own upload asks its questions
 * in dialogs, and JupyterLab shows no dialog while another one is open.
 */

import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';

import type { IDroppedFile } from './desktop';
import { encodeFile, topLevel } from './desktop';

/** Bytes of a request. */
const CHUNK = 1 << 20;

type Files = Pick<Contents.IManager, 'delete' | 'get' | 'save'>;

/** One of the names is taken in the folder that the files are to go to. */
export class NameTakenError extends Error {
  constructor(readonly taken: string) {
    super(taken);
  }
}

/** May be run again: what the last run made goes as soon as that fails, or else when the next begins. */
export class Upload {
  /** `target`: where the files go; '' is the folder that Jupyter serves. */
  constructor(dropped: readonly IDroppedFile[], target: string, files: Files) {
    this._dropped = dropped;
    this._target = target;
    this._files = files;
  }

  /**
   * Save the files one after another; resolves to the paths of what was dropped itself. Rejects with NameTakenError
   * before anything is written, as `files` does, or as `signal` says, even after the last of them.
   */
  async run(signal: AbortSignal, progress: (bytes: number) => void): Promise<string[]> {
    await this._takeBack();
    const names = topLevel(this._dropped);
    await requireFree(names, this._target, this._files);
    try {
      await this._send(signal, progress);
      signal.throwIfAborted();
    } catch (error) {
      await this._takeBack().catch(() => undefined);
      throw error;
    }
    return names.map(name => join(this._target, name));
  }

  private async _send(signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const folders = new Set<string>();
    let sent = 0;
    for (const { file, folder } of this._dropped) {
      for (const parent of withParents(folder)) {
        const path = join(this._target, parent);
        if (!folders.has(path)) {
          folders.add(path);
          this._made.push(path);
          await this._files.save(path, { type: 'directory' });
        }
      }
      const path = join(this._target, folder, file.name);
      this._made.push(path);
      await sendFile(file, path, this._files, signal, bytes => {
        sent += bytes;
        progress(sent);
      });
    }
  }

  /** Delete what was made, folders after what is in them. */
  private async _takeBack(): Promise<void> {
    for (let path = this._made.at(-1); path !== undefined; path = this._made.at(-1)) {
      try {
        await this._files.delete(path);
      } catch (error) {
        if (!(error instanceof ServerConnection.ResponseError && error.response.status === 404)) {
          throw error;
        }
      }
      this._made.pop();
    }
  }

  /** Paths that the last run has begun to write. */
  private readonly _made: string[] = [];
  private readonly _dropped: readonly IDroppedFile[];
  private readonly _target: string;
  private readonly _files: Files;
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
