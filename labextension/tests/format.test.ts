import {
  displayName,
  formatBytes,
  formatDuration,
  formatRate,
  percentDone,
  secondsLeft,
  sendingRate,
  shortName
} from '../src/format';
import { transferIn } from './helpers';

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [12_345, '12.3 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [52_428_800, '52.4 MB'],
    [20_000_000_000, '20.0 GB'],
    [-1, '0 B']
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('become rates', () => {
    expect(formatRate(1_310_720.5)).toBe('1.3 MB/s');
  });
});

describe('durations', () => {
  it.each([
    [0.2, '1 s'],
    [59, '59 s'],
    [60, '1 min'],
    [61, '2 min'],
    [3_600, '1 h'],
    [3_900, '1 h 5 min'],
    [86_400, '1 d'],
    [95_000, '1 d 3 h']
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('per cent', () => {
  it('is 100 only when every byte is there', () => {
    expect(percentDone(transferIn('downloading', { total: 1_000, done: 999 }))).toBe(99);
    expect(percentDone(transferIn('downloading', { total: 1_000, done: 1_000 }))).toBe(100);
  });

  it('is unknown until the size is known', () => {
    expect(percentDone(transferIn('metadata'))).toBeUndefined();
  });

  it('is 100 for an empty file that is in place', () => {
    expect(percentDone(transferIn('seeding', { total: 0, done: 0 }))).toBe(100);
  });
});

describe('time left', () => {
  it('follows from the rate', () => {
    const transfer = transferIn('downloading', { total: 300, done: 100, down_rate: 50 });
    expect(secondsLeft(transfer)).toBe(4);
  });

  it('is not guessed for a download that stands still or has all its bytes, or for anything else', () => {
    expect(secondsLeft(transferIn('downloading', { down_rate: 0 }))).toBeUndefined();
    expect(
      secondsLeft(transferIn('downloading', { total: 9, done: 9, down_rate: 50 }))
    ).toBeUndefined();
    expect(secondsLeft(transferIn('seeding', { down_rate: 50 }))).toBeUndefined();
  });
});

describe('the rate at which a transfer is sent', () => {
  it('ends with the last peer', () => {
    const transfer = transferIn('seeding', { peers: 1, up_rate: 50 });
    expect(sendingRate(transfer)).toBe(50);
    expect(sendingRate({ ...transfer, peers: 0 })).toBe(0);
  });
});

describe('names', () => {
  it('keep their letters, whatever the script', () => {
    expect(displayName('Übung 1 – 数据.csv')).toBe('Übung 1 – 数据.csv');
  });

  it('cannot hide or turn round what they are', () => {
    expect(displayName('data\u202Evsc.exe')).toBe('data\uFFFDvsc.exe');
    expect(displayName('a\u200Bb\u001B[31mc\n')).toBe('a\uFFFDb\uFFFD[31mc\uFFFD');
  });
});

it('a long name is cut in the middle, and never within a character', () => {
  expect(shortName('a'.repeat(60))).toBe('a'.repeat(60));
  const cut = shortName(`${'\u{1F427}'.repeat(50)}.${'b'.repeat(50)}`);
  expect(cut).toBe(`${'\u{1F427}'.repeat(30)}…${'b'.repeat(30)}`);
  expect(shortName('a\u202Eb')).toBe('a\uFFFDb');
});
