/** The lines of a plot of rates over time, without anything of how they are drawn. */

import type { IRateSample } from './history';
import { HISTORY_SPAN, samplesSince } from './history';

export interface IRatePlot {
  /** Bytes per second at the top of the plot; at least 1. */
  readonly most: number;
  /** SVG path data, from 0 to 100 to the right and from 0 (most) to 100 (none) downwards. */
  readonly down: string;
  readonly up: string;
}

/** How fast it went in the span that ends at `now` (milliseconds); a rate holds until the next sample. */
export function plotRates(samples: readonly IRateSample[], now: number): IRatePlot {
  const begin = now - HISTORY_SPAN;
  const seen = samplesSince(samples, begin);
  const most = Math.max(1, ...seen.flatMap(({ down, up }) => [down, up]));
  const path = (rate: (sample: IRateSample) => number): string => {
    const points: string[] = [];
    seen.forEach((sample, index) => {
      const x = (100 * (Math.max(sample.time, begin) - begin)) / HISTORY_SPAN;
      const y = 100 - (100 * rate(sample)) / most;
      points.push(`${index === 0 ? 'M' : 'H'}${round(Math.min(x, 100))}`);
      points.push(index === 0 ? ` ${round(y)}` : `V${round(y)}`);
    });
    return points.length === 0 ? '' : `${points.join('')}H100`;
  };
  return { most, down: path(({ down }) => down), up: path(({ up }) => up) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
