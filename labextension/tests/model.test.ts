import { TransferModel } from '../src/model';
import { transferIn } from './helpers';

const DOWNLOADING = transferIn('downloading');
const SEEDING = transferIn('seeding');

function modelOf(...transfers: Parameters<TransferModel['replace']>[0]): {
  model: TransferModel;
  changes: () => number;
} {
  const model = new TransferModel();
  model.replace(transfers, 'live');
  let count = 0;
  model.changed.connect(() => {
    count += 1;
  });
  return { model, changes: () => count };
}

describe('the model of the transfers', () => {
  it('begins empty and without a connection', () => {
    const model = new TransferModel();
    expect(model.transfers).toEqual([]);
    expect(model.connection).toBe('connecting');
  });

  it('knows what it was told, and the rates of what still goes on', () => {
    const finished = { ...SEEDING, down_rate: 1e6 };
    const { model } = modelOf(DOWNLOADING, finished);
    expect(model.transfers).toEqual([DOWNLOADING, finished]);
    expect(model.downRate).toBe(DOWNLOADING.down_rate);
    expect(model.upRate).toBe(DOWNLOADING.up_rate + SEEDING.up_rate);
  });

  it('updates a transfer in its place, appends a new one and forgets one that went', () => {
    const { model, changes } = modelOf(DOWNLOADING, SEEDING);
    const complete = { ...DOWNLOADING, state: 'seeding', done: DOWNLOADING.total } as const;
    const failed = transferIn('failed');
    model.apply({
      transfers: [complete, failed],
      removed: [SEEDING.info_hash],
      down_rate: 7,
      up_rate: 8
    });
    expect(model.transfers).toEqual([complete, failed]);
    expect([model.downRate, model.upRate]).toEqual([0, complete.up_rate + failed.up_rate]);
    expect(changes()).toBe(1);
  });

  it('forgets what a new list does not name', () => {
    const { model } = modelOf(DOWNLOADING, SEEDING);
    model.replace([SEEDING], 'polling');
    expect(model.transfers).toEqual([SEEDING]);
    expect(model.connection).toBe('polling');
  });

  it('keeps the transfers but no rates when the server is lost', () => {
    const { model, changes } = modelOf(DOWNLOADING);
    model.lose('unreachable');
    expect(model.transfers).toEqual([DOWNLOADING]);
    expect([model.downRate, model.upRate]).toEqual([0, 0]);
    expect(model.connection).toBe('unreachable');
    expect(changes()).toBe(1);
  });

  it('knows which transfer is looked at, until it goes', () => {
    const { model, changes } = modelOf(DOWNLOADING, SEEDING);
    expect(model.selected).toBeUndefined();
    model.select(SEEDING.info_hash);
    model.select(SEEDING.info_hash);
    expect(model.selected).toBe(SEEDING);
    expect(changes()).toBe(1);
    model.replace([DOWNLOADING], 'live');
    expect(model.selected).toBeUndefined();
    model.replace([DOWNLOADING, SEEDING], 'live');
    expect(model.selected).toBeUndefined();
  });

  it('shows one that was selected before it was known as soon as it is', () => {
    const { model } = modelOf(DOWNLOADING);
    model.select(SEEDING.info_hash);
    expect(model.selected).toBeUndefined();
    model.apply({ transfers: [SEEDING], removed: [], down_rate: 0, up_rate: 0 });
    expect(model.selected).toBe(SEEDING);
  });

  it('remembers how fast each transfer went, and that a lost server tells of nothing', () => {
    let time = 1_000;
    const model = new TransferModel(() => time);
    model.replace([DOWNLOADING], 'live');
    time = 2_000;
    model.lose('unreachable');
    expect(model.history(DOWNLOADING.info_hash)).toEqual([
      { time: 1_000, down: DOWNLOADING.down_rate, up: DOWNLOADING.up_rate },
      { time: 2_000, down: 0, up: 0 }
    ]);
    model.replace([], 'live');
    expect(model.history(DOWNLOADING.info_hash)).toEqual([]);
  });
});
