/** The live list: one row a transfer, the newest first. Names and messages are text nodes, never HTML. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import {
  displayName,
  formatBytes,
  formatDuration,
  formatRate,
  percentDone,
  secondsLeft,
  sendingRate
} from '../format';
import type { ITransferStatus } from '../schema';

interface ITransferListProps {
  readonly transfers: readonly ITransferStatus[];
  readonly trans: TranslationBundle;
}

export function TransferList({ transfers, trans }: ITransferListProps): React.JSX.Element {
  return (
    // A list without bullets is none to some screen readers unless it says so.
    <ul className="jp-wt-List" role="list" aria-label={trans.__('Transfers')}>
      {[...transfers].reverse().map(transfer => (
        <TransferRow key={transfer.info_hash} transfer={transfer} trans={trans} />
      ))}
    </ul>
  );
}

interface ITransferRowProps {
  readonly transfer: ITransferStatus;
  readonly trans: TranslationBundle;
}

function TransferRow({ transfer, trans }: ITransferRowProps): React.JSX.Element {
  const name = displayName(transfer.name) || transfer.info_hash;
  const percent = percentDone(transfer);
  return (
    <li className="jp-wt-Row" data-state={transfer.state} data-info-hash={transfer.info_hash}>
      <div className="jp-wt-Row-head">
        <bdi className="jp-wt-Row-name" title={name}>
          {name}
        </bdi>
        {percent !== undefined && percent < 100 && (
          <span className="jp-wt-Row-percent">{`${percent}%`}</span>
        )}
      </div>
      <ProgressBar label={name} percent={percent} trans={trans} />
      <div className="jp-wt-Row-facts">
        {facts(transfer, trans).map(({ key, text }) => (
          <span key={key} className={`jp-wt-Row-${key}`}>
            {text}
          </span>
        ))}
      </div>
      {transfer.error !== '' && <Message kind="error" text={transfer.error} />}
      {transfer.error === '' && transfer.notice !== '' && (
        <Message kind="notice" text={transfer.notice} />
      )}
    </li>
  );
}

interface IProgressBarProps {
  readonly label: string;
  /** undefined: nobody knows yet. */
  readonly percent: number | undefined;
  readonly trans: TranslationBundle;
}

function ProgressBar({ label, percent, trans }: IProgressBarProps): React.JSX.Element {
  return (
    <div
      className="jp-wt-Progress"
      role="progressbar"
      aria-label={trans.__('Progress of %1', label)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div
        className="jp-wt-Progress-bar"
        data-indeterminate={percent === undefined}
        style={percent === undefined ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}

interface IMessageProps {
  readonly kind: 'error' | 'notice';
  readonly text: string;
}

function Message({ kind, text }: IMessageProps): React.JSX.Element {
  return (
    <p className={`jp-wt-Row-${kind}`} role="status">
      {displayName(text)}
    </p>
  );
}

function stateInWords({ state }: ITransferStatus, trans: TranslationBundle): string {
  switch (state) {
    case 'metadata':
      return trans.__('Looking for peers');
    case 'checking':
      return trans.__('Checking');
    case 'downloading':
      return trans.__('Downloading');
    case 'seeding':
      return trans.__('Seeding');
    case 'paused':
      return trans.__('Paused');
    case 'failed':
      return trans.__('Failed');
    case 'on_demand':
      return trans.__('On demand');
  }
}

interface IFact {
  readonly key: 'state' | 'size' | 'down' | 'up' | 'peers' | 'left';
  readonly text: string;
}

/**
 * What there is to tell, two facts a line. It depends on the state alone, so that a row keeps its height while
 * its figures change.
 */
function facts(transfer: ITransferStatus, trans: TranslationBundle): IFact[] {
  const state: IFact = { key: 'state', text: stateInWords(transfer, trans) };
  const size: IFact = { key: 'size', text: sizeInWords(transfer, trans) };
  const peers: IFact = { key: 'peers', text: trans._n('%1 peer', '%1 peers', transfer.peers) };
  const down: IFact = { key: 'down', text: `↓ ${formatRate(transfer.down_rate)}` };
  const up: IFact = { key: 'up', text: uploadInWords(transfer, trans) };
  const left: IFact = { key: 'left', text: timeLeftInWords(transfer, trans) };
  switch (transfer.state) {
    case 'metadata':
      return [state, peers];
    case 'checking':
    case 'paused':
    case 'failed':
      return [state, size];
    case 'downloading':
      return [state, left, size, peers, down, up];
    case 'seeding':
    case 'on_demand':
      return [state, peers, size, up];
  }
}

function sizeInWords({ done, total }: ITransferStatus, trans: TranslationBundle): string {
  return done < total
    ? trans.__('%1 of %2', formatBytes(done), formatBytes(total))
    : formatBytes(total);
}

/** How fast it is sent, or else how much was. */
function uploadInWords(transfer: ITransferStatus, trans: TranslationBundle): string {
  const rate = sendingRate(transfer);
  if (rate > 0) {
    return `↑ ${formatRate(rate)}`;
  }
  return transfer.uploaded > 0 ? trans.__('%1 sent', formatBytes(transfer.uploaded)) : '';
}

function timeLeftInWords(transfer: ITransferStatus, trans: TranslationBundle): string {
  const seconds = secondsLeft(transfer);
  return seconds === undefined ? '' : trans.__('%1 left', formatDuration(seconds));
}
