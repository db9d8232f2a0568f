import { ServerConnection } from '@jupyterlab/services';

import { TransferApi, isLoggedOut } from '../src/api';
import type { ITransferEvent } from '../src/schema';
import { SchemaError } from '../src/decode';
import event from './fixtures/event.json';
import torrents from './fixtures/torrents.json';

class FakeSocket {
  static last: FakeSocket;

  constructor(readonly url: string) {
    FakeSocket.last = this;
  }

  close(): void {
    this.closed = true;
  }

  closed = false;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
}

const asked: Request[] = [];

function apiThatAnswers(body: unknown, init: ResponseInit = {}): TransferApi {
  return new TransferApi(
    ServerConnection.makeSettings({
      baseUrl: 'http://localhost:8888/user/ada/',
      wsUrl: 'ws://localhost:8888/user/ada/',
      token: 'a secret',
      appendToken: true,
      fetch: request => {
        asked.push(request as Request);
        return Promise.resolve(new Response(JSON.stringify(body), init));
      },
      WebSocket: FakeSocket as unknown as typeof WebSocket
    })
  );
}

function follow(signal = new AbortController().signal): {
  events: ITransferEvent[];
  ended: Promise<void>;
  socket: FakeSocket;
} {
  const events: ITransferEvent[] = [];
  const ended = apiThatAnswers(null).follow(received => events.push(received), signal);
  return { events, ended, socket: FakeSocket.last };
}

afterEach(() => {
  asked.length = 0;
});

describe('the list of transfers', () => {
  it('is asked for under the base URL, with the token in a header', async () => {
    const transfers = await apiThatAnswers(torrents).list(new AbortController().signal);
    expect(transfers).toEqual(torrents);
    const urls = asked.map(request => new URL(request.url));
    expect(urls.map(url => url.origin + url.pathname)).toEqual([
      'http://localhost:8888/user/ada/webtorrent/api/torrents'
    ]);
    expect(asked[0]?.headers.get('Authorization')).toBe('token a secret');
  });

  it('rejects with the one line that the server gives', async () => {
    const api = apiThatAnswers({ message: 'not now' }, { status: 409 });
    await expect(api.list(new AbortController().signal)).rejects.toThrow('not now');
  });

  it('rejects what it cannot read', async () => {
    const api = apiThatAnswers({ transfers: torrents });
    await expect(api.list(new AbortController().signal)).rejects.toThrow(SchemaError);
  });
});

it('takes what is gone already for removed', async () => {
  const gone = apiThatAnswers({ message: 'there is no such transfer' }, { status: 404 });
  await expect(gone.remove('ab')).resolves.toBeUndefined();
  const busy = apiThatAnswers({ message: 'it stays' }, { status: 409 });
  await expect(busy.remove('ab')).rejects.toThrow('it stays');
});

it.each([
  [401, 'Unauthorized', true],
  [403, 'Forbidden', true],
  [403, 'The token or login is missing, wrong or expired: log in again.', true],
  [403, 'You may not read files on this server.', false],
  [404, 'Forbidden', false]
])('tells a lost login from other refusals: %d %s', async (status, message, expected) => {
  const error: unknown = await apiThatAnswers({ message }, { status })
    .list()
    .catch((reason: unknown) => reason);
  expect(isLoggedOut(error)).toBe(expected);
});

it('reads what was chosen', async () => {
  const chosen = {
    trackers: ['wss://example.org'],
    download_folder: 'data',
    listen_port: 0,
    down_limit: null,
    up_limit: 5,
    limit_lan: true,
    lan_discovery: null,
    dht: false,
    port_mapping: null,
    seed_ratio: 1.5,
    seed_seconds: null
  };
  const api = apiThatAnswers({ chosen, effective: chosen });
  await expect(api.chosenSettings()).resolves.toEqual(chosen);
});

it('asks to remove what is on demand, and nothing else', async () => {
  const api = apiThatAnswers({ message: 'it stays' }, { status: 409 });
  await expect(api.removeOnDemand('ab')).rejects.toThrow('it stays');
  const { search } = new URL(asked[0]?.url ?? '');
  expect(search).toContain('data=true&on_demand=true');
});

describe('a file of a transfer', () => {
  const hash = 'ab'.repeat(20);
  const stream = `http://localhost:8888/user/ada/webtorrent/stream/${hash}`;

  it.each([
    ['week 1/a & b?#%.mp4', 'week%201/a%20%26%20b%3F%23%25.mp4'],
    ['../../logout', '..%2F..%2Flogout'],
    ['a/./b', 'a%2F.%2Fb'],
    ['..data', '..data'],
    ['größe', 'gr%C3%B6%C3%9Fe']
  ])('%s has an address of its own', (path, quoted) => {
    const url = apiThatAnswers(null).streamUrl(hash, path);
    expect(url).toBe(`${stream}/${quoted}`);
    expect(new URL(url).href.startsWith(stream)).toBe(true);
    expect(url).not.toContain('secret');
  });

  it('can be saved', () => {
    expect(apiThatAnswers(null).streamUrl(hash, 'a.csv', { download: true })).toBe(
      `${stream}/a.csv?download=1`
    );
  });

  it('is read as far as is wanted', async () => {
    const bytes = await apiThatAnswers([1, 2]).read(hash, 'a.csv', { first: 5 });
    expect(new TextDecoder().decode(bytes)).toBe('[1,2]');
    expect(asked[0]?.url.split('?')[0]).toBe(`${stream}/a.csv`);
    expect(asked[0]?.headers.get('Range')).toBe('bytes=0-4');
  });

  it('rejects with the one line that the server gives', async () => {
    const api = apiThatAnswers({ message: 'it is paused' }, { status: 409 });
    await expect(api.read(hash, 'a.csv')).rejects.toThrow('it is paused');
    expect(asked[0]?.headers.get('Range')).toBeNull();
  });
});

describe('the events', () => {
  it('come from a WebSocket under the base URL', () => {
    const { socket } = follow();
    expect(socket.url).toBe('ws://localhost:8888/user/ada/webtorrent/api/events?token=a%20secret');
  });

  it('are handed on as they come, until the socket closes', async () => {
    const { events, ended, socket } = follow();
    socket.onmessage?.({ data: JSON.stringify(event) });
    socket.onmessage?.({ data: JSON.stringify({ ...event, transfers: [] }) });
    socket.onclose?.();
    await ended;
    expect(events).toEqual([event, { ...event, transfers: [] }]);
  });

  it('end when the socket cannot open', async () => {
    const { ended, socket } = follow();
    socket.onerror?.();
    await ended;
    expect(socket.closed).toBe(true);
  });

  it('end, and close the socket, when nobody wants them any more', async () => {
    const stop = new AbortController();
    const { events, ended, socket } = follow(stop.signal);
    stop.abort();
    await ended;
    expect(socket.closed).toBe(true);
    expect(socket.onmessage).toBeNull();
    expect(events).toEqual([]);
  });

  it('end at a message that cannot be read', async () => {
    const logged = jest.spyOn(console, 'error').mockReturnValue();
    const { events, ended, socket } = follow();
    socket.onmessage?.({ data: '{"transfers": 7}' });
    await ended;
    expect(events).toEqual([]);
    expect(socket.closed).toBe(true);
    expect(logged).toHaveBeenCalledTimes(1);
    logged.mockRestore();
  });
});
