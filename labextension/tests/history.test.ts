import { HISTORY_SPAN, RateHistory } from '../src/history';

const HASH = '01'.repeat(20);

function historyOf(...samples: [time: number, down: number][]): RateHistory {
  const history = new RateHistory();
  samples.forEach(([time, down]) => {
    history.add(HASH, { time, down, up: 0 });
  });
  return history;
}

describe('the history of a rate', () => {
  it('is empty for a transfer that nobody told of', () => {
    expect(new RateHistory().of(HASH)).toEqual([]);
  });

  it('keeps what changed, in its order', () => {
    const history = historyOf([1_000, 5], [2_000, 5], [3_000, 6]);
    expect(history.of(HASH).map(({ time }) => time)).toEqual([1_000, 3_000]);
  });

  it('forgets what is too old, but not how fast it went when the span began', () => {
    const history = historyOf([0, 1], [1_000, 2], [2_000, 3], [HISTORY_SPAN + 1_500, 4]);
    expect(history.of(HASH).map(({ down }) => down)).toEqual([2, 3, 4]);
  });

  it('is bounded, however fast the news comes', () => {
    const history = new RateHistory();
    for (let time = 0; time < 5_000; time += 1) {
      history.add(HASH, { time, down: time, up: 0 });
    }
    expect(history.of(HASH)).toHaveLength(600);
    expect(history.of(HASH).at(-1)?.down).toBe(4_999);
  });

  it('goes with its transfer', () => {
    const history = historyOf([0, 1]);
    history.forget(HASH);
    expect(history.of(HASH)).toEqual([]);
  });
});
