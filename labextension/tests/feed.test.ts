import { ServerConnection } from '@jupyterlab/services';

import { POLL_INTERVAL, TransferFeed, retryDelay } from '../src/feed';
import { TransferModel } from '../src/model';
import type { ITransferEvent, ITransferStatus } from '../src/schema';
import { settle, transferIn } from './helpers';

const DOWNLOADING = transferIn('downloading');
const SEEDING = transferIn('seeding');

/** A server whose sockets the test opens and closes, and whose list it sets. */
class FakeServer {
  list = (): Promise<ITransferStatus[]> => {
    this.polls += 1;
    return this.answer();
  };

  follow = (receive: (event: ITransferEvent) => void, signal: AbortSignal): Promise<void> => {
    this.attempts += 1;
    return new Promise(resolve => {
      signal.addEventListener('abort', () => {
        resolve();
      });
      this.send = (...transfers) => {
        receive({ transfers, removed: [], down_rate: 1, up_rate: 2 });
      };
      this.close = resolve;
    });
  };

  answer: () => Promise<ITransferStatus[]> = () => Promise.resolve([SEEDING]);
  attempts = 0;
  polls = 0;
  send: (...transfers: ITransferStatus[]) => void = () => undefined;
  close: () => void = () => undefined;
}

let server: FakeServer;
let model: TransferModel;
let feed: TransferFeed;

beforeEach(() => {
  jest.useFakeTimers();
  server = new FakeServer();
  model = new TransferModel();
  feed = new TransferFeed(server, model);
});

afterEach(async () => {
  feed.dispose();
  await settle();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('while the socket is open', () => {
  it('the first event says all, the next ones what changed', () => {
    model.replace([SEEDING], 'polling');
    server.send(DOWNLOADING);
    expect(model.transfers).toEqual([DOWNLOADING]);
    expect(model.connection).toBe('live');
    server.send(SEEDING);
    expect(model.transfers).toEqual([DOWNLOADING, SEEDING]);
  });

  it('nothing is asked for', async () => {
    server.send(DOWNLOADING);
    await jest.advanceTimersByTimeAsync(10 * POLL_INTERVAL);
    expect(server.polls).toBe(0);
  });
});

describe('when the socket closes', () => {
  it('the list is asked for at once, and the socket tried again soon', async () => {
    server.send(DOWNLOADING);
    server.close();
    await settle();
    expect(model.transfers).toEqual([SEEDING]);
    expect(model.connection).toBe('polling');
    await jest.advanceTimersByTimeAsync(retryDelay(0));
    expect(server.attempts).toBe(2);
    server.send(DOWNLOADING, SEEDING);
    expect(model.connection).toBe('live');
  });

  it('the socket is tried more and more rarely, while the list is asked for steadily', async () => {
    const attempts: number[] = [];
    for (let minute = 0; minute < 5; minute += 1) {
      const before = server.attempts;
      for (let second = 0; second < 60; second += 1) {
        server.close();
        await jest.advanceTimersByTimeAsync(1_000);
      }
      attempts.push(server.attempts - before);
    }
    expect(attempts[0]).toBeGreaterThan(3);
    expect(attempts.slice(2)).toEqual([1, 1, 1]);
    expect(server.polls).toBeGreaterThan((5 * 60_000) / POLL_INTERVAL - 10);
  });
});

describe('when the server is lost', () => {
  it('the model says so, until an answer comes', async () => {
    server.answer = () => Promise.reject(new TypeError('Failed to fetch'));
    server.close();
    await settle();
    expect(model.connection).toBe('unreachable');
    server.answer = () => Promise.resolve([SEEDING]);
    await jest.advanceTimersByTimeAsync(retryDelay(1));
    server.close();
    await settle();
    expect(model.connection).toBe('polling');
  });

  it('a server without the extension is told apart', async () => {
    server.answer = () =>
      Promise.reject(
        new ServerConnection.ResponseError(new Response(null, { status: 404 }), 'not found')
      );
    server.close();
    await settle();
    expect(model.connection).toBe('missing');
  });
});

it('a login that no longer holds is told apart', async () => {
  const messages = ['Forbidden', 'Invalid response: 403 Forbidden'];
  for (const [turn, message] of messages.entries()) {
    const refusal = new ServerConnection.ResponseError(
      new Response(null, { status: 403 }),
      message
    );
    server.answer = () => Promise.reject(refusal);
    server.close();
    await jest.advanceTimersByTimeAsync(retryDelay(turn + 1));
    expect(model.connection).toBe('forbidden');
  }
});

it('a feed that is disposed of neither asks nor connects again', async () => {
  server.close();
  await settle();
  feed.dispose();
  const { attempts, polls } = server;
  await jest.advanceTimersByTimeAsync(120_000);
  expect([server.attempts, server.polls]).toEqual([attempts, polls]);
  expect(feed.isDisposed).toBe(true);
});
