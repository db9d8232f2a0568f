/** The peers of a transfer, and why others could not be reached. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { displayName, formatBytes, formatDuration, formatRate } from '../format';
import type { IConnectionFailure, IPeerStatus, ITransferDetails } from '../schema';
import { transportInWords } from './words';

interface IPeersTabProps {
  readonly details: ITransferDetails;
  readonly trans: TranslationBundle;
}

export function PeersTab({ details, trans }: IPeersTabProps): React.JSX.Element {
  const { peers, failures } = details;
  return (
    <>
      {peers.length === 0 && <p className="jp-wt-Notice">{trans.__('No peer is connected.')}</p>}
      <ul className="jp-wt-Entries" role="list" aria-label={trans.__('Peers')}>
        {peers.map((peer, index) => (
          <Peer key={`${peer.transport} ${peer.address} ${index}`} peer={peer} trans={trans} />
        ))}
      </ul>
      {failures.length > 0 && (
        <>
          <h4 className="jp-wt-Subheading">{trans.__('Could not be reached')}</h4>
          <ul
            className="jp-wt-Entries"
            role="list"
            aria-label={trans.__('Peers that could not be reached')}
          >
            {failures.map(failure => (
              <Failure
                key={`${failure.transport} ${failure.address} ${failure.code}`}
                failure={failure}
                trans={trans}
              />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

interface IPeerProps {
  readonly peer: IPeerStatus;
  readonly trans: TranslationBundle;
}

function Peer({ peer, trans }: IPeerProps): React.JSX.Element {
  const address = displayName(peer.address);
  const progress = trans.__('has %1%', Math.floor(100 * peer.progress));
  const transport = transportInWords(peer.transport, trans);
  const rates = [
    amount('↓', peer.connected ? peer.down_rate : 0, peer.downloaded),
    amount('↑', peer.connected ? peer.up_rate : 0, peer.uploaded)
  ];
  return (
    <li className="jp-wt-Entry" data-connected={peer.connected}>
      <div className="jp-wt-Entry-head">
        <bdi className="jp-wt-Entry-name" title={address}>
          {address}
        </bdi>
        <span>{peer.connected ? `${progress} · ${transport}` : transport}</span>
      </div>
      <div className="jp-wt-Entry-facts">
        <bdi>{peer.connected ? displayName(peer.client) : trans.__('No longer connected')}</bdi>
        <span>{rates.filter(Boolean).join(' ')}</span>
      </div>
    </li>
  );
}

/** How fast, or else how much. */
function amount(arrow: string, rate: number, bytes: number): string {
  if (rate >= 1) {
    return `${arrow} ${formatRate(rate)}`;
  }
  return bytes > 0 ? `${arrow} ${formatBytes(bytes)}` : '';
}

interface IFailureProps {
  readonly failure: IConnectionFailure;
  readonly trans: TranslationBundle;
}

function Failure({ failure, trans }: IFailureProps): React.JSX.Element {
  const address = displayName(failure.address);
  const ago = trans.__('%1 ago', formatDuration(failure.seconds_ago));
  const times = trans._n('%1 attempt', '%1 attempts', failure.count);
  return (
    <li className="jp-wt-Entry">
      <div className="jp-wt-Entry-head">
        <bdi className="jp-wt-Entry-name" title={address}>
          {address}
        </bdi>
        <span>{transportInWords(failure.transport, trans)}</span>
      </div>
      <p className="jp-wt-Entry-message">{displayName(failure.reason)}</p>
      <div className="jp-wt-Entry-facts">
        <span>{`${times} · ${ago}`}</span>
      </div>
    </li>
  );
}
