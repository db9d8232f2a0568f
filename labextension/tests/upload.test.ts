import type { Contents } from '@jupyterlab/services';

import type { IDroppedFile } from '../src/desktop';
import { NameTakenError, uploadAll } from '../src/upload';

jest.mock('../src/desktop', () => ({
  ...jest.requireActual<object>('../src/desktop'),
  // There is no FileReader here.
  encodeFile: (part: Blob) => part.text()
}));

function dropped(name: string, size: number, folder = ''): IDroppedFile {
  return { file: new File([new Uint8Array(size)], name), folder };
}

function server(there: string[] = []): { saves: unknown[]; files: never } {
  const saves: unknown[] = [];
  const files = {
    get: () => Promise.resolve({ content: there.map(name => ({ name })) }),
    save: (path: string, { type, chunk }: Partial<Contents.IModel>) => {
      saves.push([path, type, chunk]);
      return Promise.resolve();
    }
  };
  return { saves, files: files as never };
}

const NEVER = new AbortController().signal;

describe('an upload', () => {
  it('makes folders first, and sends large files in parts', async () => {
    const { saves, files } = server();
    const told: number[] = [];
    const paths = await uploadAll(
      [dropped('a.csv', 3), dropped('b.bin', (1 << 20) + 1, 'set/deep'), dropped('e', 0, 'set')],
      'data',
      files,
      NEVER,
      bytes => told.push(bytes)
    );
    expect(paths).toEqual(['data/a.csv', 'data/set']);
    expect(saves).toEqual([
      ['data/a.csv', 'file', undefined],
      ['data/set', 'directory', undefined],
      ['data/set/deep', 'directory', undefined],
      ['data/set/deep/b.bin', 'file', 1],
      ['data/set/deep/b.bin', 'file', -1],
      ['data/set/e', 'file', undefined]
    ]);
    expect(told).toEqual([3, 3 + (1 << 20), 4 + (1 << 20), 4 + (1 << 20)]);
  });

  it('writes nothing where a name is taken', async () => {
    const { saves, files } = server(['set']);
    const upload = uploadAll([dropped('b', 1, 'set')], '', files, NEVER, () => undefined);
    await expect(upload).rejects.toEqual(new NameTakenError('set'));
    expect(saves).toEqual([]);
  });

  it('ends when it is told to', async () => {
    const { saves, files } = server();
    const stop = new AbortController();
    const upload = uploadAll([dropped('a', 1), dropped('b', 1)], '', files, stop.signal, () => {
      stop.abort();
    });
    await expect(upload).rejects.toThrow();
    expect(saves).toHaveLength(1);
  });
});
