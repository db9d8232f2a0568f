import { TransferNews } from '../src/news';
import { transferIn } from './helpers';

const HASH = 'ab'.repeat(20);
const downloading = transferIn('downloading', { info_hash: HASH });
const seeding = transferIn('seeding', { info_hash: HASH, shared: false });
const failed = transferIn('failed', { info_hash: HASH });

let news: TransferNews;

beforeEach(() => {
  news = new TransferNews();
});

describe('news', () => {
  it('is a completion that was seen to come, once', () => {
    expect(news.update([downloading])).toEqual([]);
    expect(news.update([seeding])).toEqual([{ kind: 'completed', transfer: seeding }]);
    expect(news.update([seeding])).toEqual([]);
  });

  it('is a completion that reached its seeding goal at once', () => {
    news.update([downloading]);
    const paused = transferIn('paused', { info_hash: HASH, paths: ['/home/ada/x'] });
    expect(news.update([paused])).toEqual([{ kind: 'completed', transfer: paused }]);
  });

  it('is not what was complete or had failed before, or was only checked', () => {
    expect(news.update([seeding])).toEqual([]);
    expect(news.update([{ ...seeding, state: 'checking' }])).toEqual([]);
    expect(news.update([seeding])).toEqual([]);
    expect(new TransferNews().update([failed])).toEqual([]);
  });

  it('is not a pause on the way', () => {
    news.update([downloading]);
    const paused = transferIn('paused', { info_hash: HASH, paths: [] });
    expect(news.update([paused])).toEqual([]);
    expect(news.update([downloading])).toEqual([]);
    expect(news.update([seeding])).toHaveLength(1);
  });

  it('is each failure', () => {
    news.update([downloading]);
    expect(news.update([failed])).toEqual([{ kind: 'failed', transfer: failed }]);
    expect(news.update([failed])).toEqual([]);
    news.update([downloading]);
    expect(news.update([failed])).toHaveLength(1);
  });

  it('is not a failure that a restarted server comes upon again', () => {
    const broken = { ...failed, error: 'the disk is full' };
    const checking = { ...failed, state: 'checking' as const };
    news.update([downloading]);
    news.update([broken]);
    news.interrupt();
    news.update([checking]);
    expect(news.update([broken])).toEqual([]);
    // It was resumed.
    news.update([checking]);
    expect(news.update([broken])).toHaveLength(1);
    news.interrupt();
    news.update([checking]);
    expect(news.update([{ ...broken, error: 'the file is gone' }])).toHaveLength(1);
  });

  it('is a download that came and was complete at once', () => {
    news.update([]);
    expect(news.update([seeding])).toEqual([{ kind: 'completed', transfer: seeding }]);
    expect(news.update([seeding, transferIn('seeding', { shared: true })])).toEqual([]);
  });

  it('is a download that was begun and checked while this page looked on', () => {
    news.update([]);
    news.update([{ ...seeding, state: 'checking' }]);
    expect(news.update([seeding])).toEqual([{ kind: 'completed', transfer: seeding }]);
  });

  it('is not what comes back with a server that was restarted', () => {
    news.update([seeding]);
    news.update([]);
    expect(news.update([seeding])).toEqual([]);
  });
});
