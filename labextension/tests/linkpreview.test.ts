import { ServerConnection } from '@jupyterlab/services';

import { TorrentPreview } from '../src/linkpreview';
import type { IFetchRequest, IFileStatus, ITransferDetails, ITransferStatus } from '../src/schema';
import { settle, transferIn } from './helpers';

const HASH = 'ab'.repeat(20);
const FILES: IFileStatus[] = [
  { index: 0, path: 'a.csv', length: 9, done: 0, wanted: false, priority: 'normal' }
];

/** A server with one transfer at most, whose state the test sets. */
class FakeServer {
  transfers: ITransferStatus[] = [];
  state: ITransferStatus['state'] = 'metadata';
  readonly requests: IFetchRequest[] = [];
  removed: string[] = [];
  onDemand = true;
  /** Somebody removed it, and it was not begun anew. */
  gone = false;

  list = (): Promise<ITransferStatus[]> => Promise.resolve(this.transfers);

  fetch = (request: IFetchRequest): Promise<ITransferStatus> => {
    this.requests.push(request);
    this.gone = false;
    return this.answer(request);
  };

  answer: (request: IFetchRequest) => Promise<ITransferStatus> = () =>
    Promise.resolve(this.transfer);

  details = (): Promise<ITransferDetails> => {
    if (this.gone) {
      const response = new Response(null, { status: 404 });
      return Promise.reject(new ServerConnection.ResponseError(response, 'not found'));
    }
    return Promise.resolve({
      transfer: this.transfer,
      files: this.state === 'metadata' ? [] : FILES,
      peers: [],
      trackers: [],
      web_seeds: [],
      failures: [],
      pieces: null,
      private: false,
      down_limit: null,
      up_limit: null
    });
  };

  removeOnDemand = (infoHash: string): Promise<void> => {
    if (!this.onDemand) {
      return Promise.reject(new Error('no longer on demand'));
    }
    this.removed.push(infoHash);
    return Promise.resolve();
  };

  get transfer(): ITransferStatus {
    return {
      ...transferIn('downloading'),
      info_hash: HASH,
      state: this.state,
      on_demand: this.onDemand,
      error: 'no space'
    };
  }
}

let server: FakeServer;

beforeEach(() => {
  jest.useFakeTimers();
  server = new FakeServer();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('a preview', () => {
  it('shows the files once they are known, and fetches those that were chosen', async () => {
    const preview = new TorrentPreview(server, { link: 'magnet:?x' });
    await settle();
    expect(preview.state.kind).toBe('looking');
    server.state = 'on_demand';
    await jest.advanceTimersByTimeAsync(500);
    expect(preview.state).toMatchObject({ kind: 'ready', files: FILES });

    await preview.fetch('data', [0]);
    preview.dispose();
    await settle();
    expect(server.requests).toEqual([
      { link: 'magnet:?x', on_demand: true },
      { link: 'magnet:?x', folder: 'data', files: [0] }
    ]);
    expect(server.removed).toEqual([]);
  });

  it.each(['metadata', 'on_demand'] as const)(
    'takes back what it began, in state %s',
    async state => {
      server.state = state;
      const preview = new TorrentPreview(server, { link: 'magnet:?x' });
      await settle();
      preview.dispose();
      await settle();
      expect(server.removed).toEqual([HASH]);
    }
  );

  it('takes back what it began even if it is closed before the server has answered', async () => {
    let answer: (transfer: ITransferStatus) => void = () => undefined;
    server.answer = () =>
      new Promise(resolve => {
        answer = resolve;
      });
    const preview = new TorrentPreview(server, { link: 'magnet:?x' });
    await settle();
    preview.dispose();
    answer(server.transfer);
    await settle();
    expect(server.removed).toEqual([HASH]);
  });

  it('leaves a download alone that somebody made of it', async () => {
    server.state = 'on_demand';
    const preview = new TorrentPreview(server, { link: 'magnet:?x' });
    await settle();
    server.state = 'downloading';
    server.onDemand = false;
    preview.dispose();
    await settle();
    expect(server.removed).toEqual([]);
  });

  it.each(['metadata', 'checking', 'seeding', 'failed'] as const)(
    'says that it is here already in state %s, and leaves it alone',
    async state => {
      server.state = state;
      server.onDemand = false;
      server.transfers = [server.transfer];
      const preview = new TorrentPreview(server, { link: 'magnet:?x' });
      await settle();
      expect(preview.state).toMatchObject({ kind: 'here', transfer: { info_hash: HASH } });
      preview.dispose();
      await settle();
      expect(server.removed).toEqual([]);
    }
  );

  it('joins a look that goes on already, and leaves it to whoever began it', async () => {
    server.transfers = [server.transfer];
    const preview = new TorrentPreview(server, { link: 'magnet:?x' });
    await settle();
    expect(preview.state.kind).toBe('looking');
    server.state = 'on_demand';
    await jest.advanceTimersByTimeAsync(500);
    expect(preview.state).toMatchObject({ kind: 'ready', files: FILES });
    preview.dispose();
    await settle();
    expect(server.removed).toEqual([]);
  });

  it('looks on by itself when a look that it joined is called off', async () => {
    server.transfers = [server.transfer];
    const preview = new TorrentPreview(server, { link: 'magnet:?x' });
    await settle();
    server.transfers = [];
    server.gone = true;
    await jest.advanceTimersByTimeAsync(1000);
    expect(preview.state.kind).toBe('looking');
    expect(server.requests).toHaveLength(2);
    preview.dispose();
    await settle();
    expect(server.removed).toEqual([HASH]);
  });

  it('says so when somebody begins the download meanwhile', async () => {
    const preview = new TorrentPreview(server, { link: 'magnet:?x' });
    await settle();
    server.onDemand = false;
    await jest.advanceTimersByTimeAsync(500);
    expect(preview.state.kind).toBe('here');
    preview.dispose();
    await settle();
    expect(server.removed).toEqual([]);
  });

  it('fails with what the server says, and leaves nothing behind', async () => {
    server.state = 'failed';
    const preview = new TorrentPreview(server, { link: '', metainfo: 'ZQ==' });
    await settle();
    expect(preview.state).toEqual({ kind: 'failed', error: new Error('no space') });
    expect(server.removed).toEqual([HASH]);

    server.answer = () => Promise.reject(new Error('not a link'));
    const other = new TorrentPreview(server, { link: 'nonsense' });
    await settle();
    expect(other.state).toEqual({ kind: 'failed', error: new Error('not a link') });
  });
});
