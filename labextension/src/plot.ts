/** The lines of a plot of rates over time, without anything of how they are drawn. */

import type { IRateSample } from './history';
import { HISTORY_SPAN, samplesSince } from './history';

export interface IRatePlot {
  /** Bytes per second at the top of the plot; at least 1. */
  readonly most: number;
  /** SVG path data, from 0 to 100 to the right and from 0 (most) to 100 (none) downwards; empty if unknown. */
  readonly down: string;
  /** What is under `down`. */
  readonly downArea: string;
  readonly up: string;
}

/** How fast it went in the span that ends at `now` (milliseconds); a rate holds until the next sample. */
export function plotRates(samples: readonly IRateSample[], now: number): IRatePlot {
  const begin = now - HISTORY_SPAN;
  const seen = samplesSince(samples, begin);
  const most = Math.max(1, ...seen.flatMap(({ down, up }) => [down, up]));
  const x = ({ time }: IRateSample): number =>
    round(Math.min((100 * (Math.max(time, begin) - begin)) / HISTORY_SPAN, 100));
  const path = (rate: (sample: IRateSample) => number): string => {
    const points = seen.map((sample, index) => {
      const y = round(100 - (100 * rate(sample)) / most);
      return index === 0 ? `M${x(sample)} ${y}` : `H${x(sample)}V${y}`;
    });
    return points.length === 0 ? '' : `${points.join('')}H100`;
  };
  const down = path(sample => sample.down);
  const [first] = seen;
  return {
    most,
    down,
    downArea: first === undefined ? '' : `${down}V100H${x(first)}Z`,
    up: path(({ up }) => up)
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
