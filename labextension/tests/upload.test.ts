import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';

import type { IDroppedFile } from '../src/desktop';
import { NameTakenError, Upload } from '../src/upload';

jest.mock('../src/desktop', () => ({
  ...jest.requireActual<object>('../src/desktop'),
  // There is no FileReader here.
  encodeFile: (part: Blob) => part.text()
}));

function dropped(name: string, size: number, folder = ''): IDroppedFile {
  return { file: new File([new Uint8Array(size)], name), folder };
}

/** A server with a folder in which something may be there already. */
class FakeContents {
  constructor(there: string[] = []) {
    this.there = new Set(there);
  }

  get = (): Promise<unknown> =>
    Promise.resolve({ content: [...this.there].map(path => ({ name: path.split('/').at(-1) })) });

  save = (path: string, { type, chunk }: Partial<Contents.IModel>): Promise<unknown> => {
    if (this.isAway) {
      return Promise.reject(new Error('no answer'));
    }
    this.saves.push([path, type, chunk]);
    this.there.add(path);
    return Promise.resolve({});
  };

  delete = (path: string): Promise<void> => {
    if (this.isAway) {
      return Promise.reject(new Error('no answer'));
    }
    if (!this.there.delete(path)) {
      const response = new Response(null, { status: 404 });
      return Promise.reject(new ServerConnection.ResponseError(response, 'not found'));
    }
    return Promise.resolve();
  };

  isAway = false;
  readonly saves: unknown[] = [];
  readonly there: Set<string>;
}

function upload(
  what: IDroppedFile[],
  contents: FakeContents,
  progress: (bytes: number) => void = () => undefined,
  { target = '', signal = new AbortController().signal } = {}
): Promise<string[]> {
  return new Upload(what, target, contents as never).run(signal, progress);
}

describe('an upload', () => {
  it('makes folders first, and sends large files in parts', async () => {
    const contents = new FakeContents();
    const told: number[] = [];
    const paths = await upload(
      [dropped('a.csv', 3), dropped('b.bin', (1 << 20) + 1, 'set/deep'), dropped('e', 0, 'set')],
      contents,
      bytes => told.push(bytes),
      { target: 'data' }
    );
    expect(paths).toEqual(['data/a.csv', 'data/set']);
    expect(contents.saves).toEqual([
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
    const contents = new FakeContents(['set']);
    await expect(upload([dropped('b', 1, 'set')], contents)).rejects.toEqual(
      new NameTakenError('set')
    );
    expect(contents.saves).toEqual([]);
    expect([...contents.there]).toEqual(['set']);
  });

  it.each([1, 2])('that is called off after file %i of 2 leaves nothing behind', async count => {
    const contents = new FakeContents(['other']);
    const stop = new AbortController();
    const called = upload(
      [dropped('a', 1, 'set'), dropped('b', 1, 'set')],
      contents,
      bytes => {
        if (bytes === count) {
          stop.abort();
        }
      },
      { signal: stop.signal }
    );
    await expect(called).rejects.toThrow();
    expect(contents.saves).toHaveLength(1 + count);
    expect([...contents.there]).toEqual(['other']);
  });

  it('may be tried again when the server is back', async () => {
    const contents = new FakeContents();
    const twice = new Upload([dropped('a', 1), dropped('b', 1)], '', contents as never);
    const { signal } = new AbortController();
    const broken = twice.run(signal, () => {
      contents.isAway = true;
    });
    await expect(broken).rejects.toThrow('no answer');
    expect([...contents.there]).toEqual(['a']);
    contents.isAway = false;
    await expect(twice.run(signal, () => undefined)).resolves.toEqual(['a', 'b']);
    expect([...contents.there]).toEqual(['a', 'b']);
  });
});
