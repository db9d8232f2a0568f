/** How fast a transfer went over the last minutes. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { formatRate } from '../format';
import type { IRateSample } from '../history';
import { HISTORY_SPAN } from '../history';
import { plotRates } from '../plot';

interface IRatePlotProps {
  readonly samples: readonly IRateSample[];
  /** When the plot ends, in milliseconds. */
  readonly now: number;
  readonly trans: TranslationBundle;
}

export function RatePlot({ samples, now, trans }: IRatePlotProps): React.JSX.Element {
  const { most, down, downArea, up } = plotRates(samples, now);
  const last = samples.at(-1);
  const receiving = formatRate(last?.down ?? 0);
  const sending = formatRate(last?.up ?? 0);
  const minutes = HISTORY_SPAN / 60_000;
  return (
    <figure className="jp-wt-Figure">
      <svg
        className="jp-wt-RatePlot"
        role="img"
        aria-label={trans.__(
          'Rates of the last %1 minutes: receiving %2, sending %3, at most %4',
          minutes,
          receiving,
          sending,
          formatRate(most > 1 ? most : 0)
        )}
        viewBox="0 0 100 100"
        preserveAspectRatio="none"
      >
        <path className="jp-wt-RatePlot-area" d={downArea} />
        <path className="jp-wt-RatePlot-down" d={down} />
        <path className="jp-wt-RatePlot-up" d={up} />
      </svg>
      <figcaption>
        <span className="jp-wt-RatePlot-key" data-line="down">{`↓ ${receiving}`}</span>
        <span className="jp-wt-RatePlot-key" data-line="up">{`↑ ${sending}`}</span>
        <span>{trans.__('%1 min', minutes)}</span>
      </figcaption>
    </figure>
  );
}
