/** How fast each transfer went over the last minutes, bounded in time and in number. */

/** From `time` on (milliseconds, as Date.now() counts) it went at these bytes per second. */
export interface IRateSample {
  readonly time: number;
  readonly down: number;
  readonly up: number;
}

/** Milliseconds that are remembered. */
export const HISTORY_SPAN = 5 * 60_000;

/** Events come about once a second. */
const MOST_SAMPLES = 600;

export class RateHistory {
  /** Rates that stay as they are take no room. */
  add(infoHash: string, sample: IRateSample): void {
    const known = this._samples.get(infoHash) ?? [];
    const last = known.at(-1);
    if (last?.down === sample.down && last.up === sample.up) {
      return;
    }
    const kept = samplesSince(known, sample.time - HISTORY_SPAN).slice(1 - MOST_SAMPLES);
    this._samples.set(infoHash, [...kept, sample]);
  }

  /** The oldest first; empty for a transfer that nothing is known of. */
  of(infoHash: string): readonly IRateSample[] {
    return this._samples.get(infoHash) ?? [];
  }

  forget(infoHash: string): void {
    this._samples.delete(infoHash);
  }

  private readonly _samples = new Map<string, readonly IRateSample[]>();
}

/** What tells how fast it went from `begin` on: of the older samples the newest is one of them. */
export function samplesSince(samples: readonly IRateSample[], begin: number): IRateSample[] {
  const next = samples.findIndex(({ time }) => time > begin);
  return samples.slice(next < 0 ? -1 : Math.max(next - 1, 0));
}
