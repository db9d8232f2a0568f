/** Where peers are asked for, and which web servers have the files too. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { displayName } from '../format';
import type { ITrackerStatus, ITransferDetails, IWebSeedStatus } from '../schema';
import { sourceStateInWords } from './words';

interface ITrackersTabProps {
  readonly details: ITransferDetails;
  readonly trans: TranslationBundle;
}

export function TrackersTab({ details, trans }: ITrackersTabProps): React.JSX.Element {
  const { trackers, web_seeds } = details;
  return (
    <>
      {trackers.length === 0 && <p className="jp-wt-Notice">{trans.__('It has no tracker.')}</p>}
      <ul className="jp-wt-Entries" role="list" aria-label={trans.__('Trackers')}>
        {trackers.map(tracker => (
          <Source
            key={tracker.url}
            source={tracker}
            fact={swarmInWords(tracker, trans)}
            trans={trans}
          />
        ))}
      </ul>
      {web_seeds.length > 0 && (
        <>
          <h4 className="jp-wt-Subheading">{trans.__('Web seeds')}</h4>
          <ul className="jp-wt-Entries" role="list" aria-label={trans.__('Web seeds')}>
            {web_seeds.map(seed => (
              <Source key={seed.url} source={seed} fact="" trans={trans} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

interface ISourceProps {
  readonly source: IWebSeedStatus;
  readonly fact: string;
  readonly trans: TranslationBundle;
}

function Source({ source, fact, trans }: ISourceProps): React.JSX.Element {
  const url = displayName(source.url);
  return (
    <li className="jp-wt-Entry" data-state={source.state}>
      <div className="jp-wt-Entry-head">
        <bdi className="jp-wt-Entry-name" title={url}>
          {url}
        </bdi>
      </div>
      <div className="jp-wt-Entry-facts">
        <span className="jp-wt-Entry-state">{sourceStateInWords(source.state, trans)}</span>
        <span>{fact}</span>
      </div>
      {source.message !== '' && (
        <p className="jp-wt-Entry-message">{displayName(source.message)}</p>
      )}
    </li>
  );
}

/** How many peers a tracker knows; empty if it has not said. */
function swarmInWords({ seeders, leechers }: ITrackerStatus, trans: TranslationBundle): string {
  const counts = [
    seeders === null ? '' : trans._n('%1 seeder', '%1 seeders', seeders),
    leechers === null ? '' : trans._n('%1 leecher', '%1 leechers', leechers)
  ];
  return counts.filter(Boolean).join(', ');
}
