/** Which parts of a torrent are here: a bar from its first byte to its last. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { formatBytes } from '../format';
import { percentOfPieces, segmentsOf } from '../pieces';
import type { IPieceMap } from '../schema';

interface IPieceMapProps {
  readonly pieces: IPieceMap;
  readonly trans: TranslationBundle;
}

export function PieceMap({ pieces, trans }: IPieceMapProps): React.JSX.Element {
  const label = trans._n(
    '%2% of %1 piece of %3',
    '%2% of %1 pieces of %3',
    pieces.count,
    percentOfPieces(pieces),
    formatBytes(pieces.length)
  );
  return (
    <figure className="jp-wt-Figure">
      <svg
        className="jp-wt-PieceMap"
        role="img"
        aria-label={trans.__('Pieces that are here: %1', label)}
        viewBox={`0 0 ${Math.max(pieces.done.length, 1)} 1`}
        preserveAspectRatio="none"
      >
        {segmentsOf(pieces.done).map(({ start, length, percent }) => (
          <rect
            key={start}
            x={start}
            width={length}
            height={1}
            fillOpacity={0.25 + (0.75 * percent) / 100}
          />
        ))}
      </svg>
      <figcaption>{label}</figcaption>
    </figure>
  );
}
