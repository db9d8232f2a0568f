import { HISTORY_SPAN } from '../src/history';
import { percentOfPieces, segmentsOf } from '../src/pieces';
import { plotRates } from '../src/plot';

describe('a plot of rates', () => {
  it('shows a rate until it changes, up to now', () => {
    const half = HISTORY_SPAN / 2;
    const samples = [
      { time: 0, down: 100, up: 0 },
      { time: half, down: 50, up: 25 }
    ];
    expect(plotRates(samples, HISTORY_SPAN)).toEqual({
      most: 100,
      down: 'M0 0H50V50H100',
      downArea: 'M0 0H50V50H100V100H0Z',
      up: 'M0 100H50V75H100'
    });
  });

  it('begins with what went on when it begins', () => {
    const samples = [
      { time: 0, down: 900, up: 0 },
      { time: 10, down: 8, up: 0 },
      { time: HISTORY_SPAN, down: 4, up: 0 }
    ];
    expect(plotRates(samples, HISTORY_SPAN + 20)).toMatchObject({
      most: 8,
      down: 'M0 0H100V50H100'
    });
  });

  it('is empty without samples, and flat without rates', () => {
    expect(plotRates([], 1)).toEqual({ most: 1, down: '', downArea: '', up: '' });
    const late = plotRates([{ time: HISTORY_SPAN / 2, down: 4, up: 0 }], HISTORY_SPAN);
    expect(late.downArea).toBe('M50 0H100V100H50Z');
    expect(plotRates([{ time: 0, down: 0, up: 0 }], HISTORY_SPAN).down).toBe('M0 100H100');
  });
});

describe('a piece map', () => {
  it('joins neighbours of which as much is here, and draws nothing where nothing is', () => {
    expect(segmentsOf([100, 100, 0, 0, 50, 100])).toEqual([
      { start: 0, length: 2, percent: 100 },
      { start: 4, length: 1, percent: 50 },
      { start: 5, length: 1, percent: 100 }
    ]);
    expect(segmentsOf([])).toEqual([]);
  });

  it('is at 100 % only when all pieces are here', () => {
    expect(percentOfPieces({ count: 3, length: 1, done: [100, 100, 99] })).toBe(99);
    expect(percentOfPieces({ count: 0, length: 1, done: [] })).toBe(0);
  });
});
