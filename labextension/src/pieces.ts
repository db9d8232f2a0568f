/** What a piece map shows. */

import type { IPieceMap } from './schema';

/** Neighbouring runs of pieces of which as much is here. */
export interface ISegment {
  readonly start: number;
  readonly length: number;
  readonly percent: number;
}

/** The fewest segments that show what is here; none for what is not. */
export function segmentsOf(done: readonly number[]): ISegment[] {
  const segments: ISegment[] = [];
  let start = 0;
  while (start < done.length) {
    const percent = done[start] ?? 0;
    let end = start + 1;
    while (end < done.length && done[end] === percent) {
      end += 1;
    }
    if (percent > 0) {
      segments.push({ start, length: end - start, percent });
    }
    start = end;
  }
  return segments;
}

/** Whole per cent of the pieces that are here, 100 only when all of them are. */
export function percentOfPieces({ done }: IPieceMap): number {
  const sum = done.reduce((total, percent) => total + percent, 0);
  return done.length === 0 ? 0 : Math.floor(sum / done.length);
}
