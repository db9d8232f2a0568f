import { DETAILS_INTERVAL, DetailsFeed } from '../src/details';
import { readDetails } from '../src/decode';
import { TransferModel } from '../src/model';
import type { ITransferChange, ITransferDetails } from '../src/schema';
import detailsFixture from './fixtures/details.json';
import { settle, transferIn } from './helpers';

const SEEDING = transferIn('seeding');
const DOWNLOADING = transferIn('downloading');
const DETAILS = readDetails(detailsFixture);

/** A server that answers when the test says so. */
class FakeServer {
  details = (infoHash: string, signal?: AbortSignal): Promise<ITransferDetails> => {
    this.asked.push(infoHash);
    this.signal = signal;
    return this.answer();
  };

  change = (infoHash: string, change: ITransferChange): Promise<ITransferDetails> => {
    this.changes.push([infoHash, change]);
    return this.reply();
  };

  answer: () => Promise<ITransferDetails> = () => Promise.resolve(DETAILS);
  reply: () => Promise<ITransferDetails> = () => Promise.resolve(DETAILS);
  asked: string[] = [];
  changes: [string, ITransferChange][] = [];
  signal: AbortSignal | undefined;
}

let server: FakeServer;
let model: TransferModel;
let feed: DetailsFeed;

beforeEach(() => {
  jest.useFakeTimers();
  server = new FakeServer();
  model = new TransferModel();
  model.replace([DOWNLOADING, SEEDING], 'live');
  feed = new DetailsFeed(server, model);
});

afterEach(async () => {
  feed.dispose();
  await settle();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('the details of the selected transfer', () => {
  it('are asked for about once a second while somebody looks', async () => {
    model.select(SEEDING.info_hash);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toEqual([]);
    feed.watched = true;
    await jest.advanceTimersByTimeAsync(2.5 * DETAILS_INTERVAL);
    expect(server.asked).toEqual([SEEDING.info_hash, SEEDING.info_hash, SEEDING.info_hash]);
    expect(feed.details).toBe(DETAILS);
    expect(feed.time).toBe(Date.now() - DETAILS_INTERVAL / 2);
    feed.watched = false;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toHaveLength(3);
    expect(feed.details).toBe(DETAILS);
  });

  it('are asked for while the list is polled too, and not while the server is lost', async () => {
    feed.watched = true;
    model.select(SEEDING.info_hash);
    model.lose('unreachable');
    await settle();
    server.asked = [];
    await jest.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toEqual([]);
    model.replace([SEEDING], 'polling');
    await settle();
    expect(server.asked).toEqual([SEEDING.info_hash]);
  });

  it('are those of another one as soon as it is selected, whatever was on its way', async () => {
    feed.watched = true;
    let late: (details: ITransferDetails) => void = () => undefined;
    server.answer = () =>
      new Promise(resolve => {
        late = resolve;
      });
    model.select(SEEDING.info_hash);
    await settle();
    const { signal } = server;
    server.answer = () => Promise.reject(new Error('gone'));
    model.select(DOWNLOADING.info_hash);
    await settle();
    expect(signal?.aborted).toBe(true);
    late(DETAILS);
    await settle();
    expect(server.asked).toEqual([SEEDING.info_hash, DOWNLOADING.info_hash]);
    expect(feed.details).toBeUndefined();
    expect(feed.error).toEqual(new Error('gone'));
  });

  it('are nobody’s when the transfer went', async () => {
    feed.watched = true;
    model.select(SEEDING.info_hash);
    await settle();
    model.apply({ transfers: [], removed: [SEEDING.info_hash], down_rate: 0, up_rate: 0 });
    await jest.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toHaveLength(1);
    expect(feed.details).toBeUndefined();
  });

  it('stay in sight with the error while they cannot be read', async () => {
    feed.watched = true;
    model.select(SEEDING.info_hash);
    await settle();
    server.answer = () => Promise.reject(new Error('busy'));
    await jest.advanceTimersByTimeAsync(DETAILS_INTERVAL);
    expect(feed.details).toBe(DETAILS);
    expect(feed.error).toEqual(new Error('busy'));
    server.answer = () => Promise.resolve(DETAILS);
    await jest.advanceTimersByTimeAsync(DETAILS_INTERVAL);
    expect(feed.error).toBeUndefined();
  });
});

describe('a change', () => {
  beforeEach(async () => {
    feed.watched = true;
    model.select(SEEDING.info_hash);
    await settle();
  });

  it('is shown as the server took it', async () => {
    const limited = { ...DETAILS, down_limit: 5_000 };
    server.reply = () => Promise.resolve(limited);
    server.answer = () => new Promise(() => undefined);
    await feed.change({ down_limit: 5_000 });
    expect(server.changes).toEqual([[SEEDING.info_hash, { down_limit: 5_000 }]]);
    expect(feed.details).toBe(limited);
  });

  it('that is refused is told of until the next one', async () => {
    server.reply = () => Promise.reject(new Error('too little'));
    await feed.change({ down_limit: 1 });
    await jest.advanceTimersByTimeAsync(3 * DETAILS_INTERVAL);
    expect(feed.error).toEqual(new Error('too little'));
    server.reply = () => Promise.resolve(DETAILS);
    await feed.change({ down_limit: 1_000 });
    expect(feed.error).toBeUndefined();
  });

  it('of nothing is nothing', async () => {
    model.select(null);
    await feed.change({ down_limit: 1 });
    expect(server.changes).toEqual([]);
  });
});

it('a feed that is disposed of asks no more', async () => {
  feed.watched = true;
  model.select(SEEDING.info_hash);
  await settle();
  feed.dispose();
  model.select(DOWNLOADING.info_hash);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(server.asked).toHaveLength(1);
  expect(feed.isDisposed).toBe(true);
});
