/** What there is to say of a transfer as a whole. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { displayName, formatBytes } from '../format';
import type { IRateSample } from '../history';
import type { ITransferChange, ITransferDetails, ITransferStatus } from '../schema';
import { IconButton } from './IconButton';
import { LimitField } from './LimitField';
import { PieceMap } from './PieceMap';
import { RatePlot } from './RatePlot';
import { byTransportInWords, sizeInWords, stateInWords } from './words';

interface IOverviewTabProps {
  readonly transfer: ITransferStatus;
  /** undefined until they are known. */
  readonly details: ITransferDetails | undefined;
  readonly samples: readonly IRateSample[];
  /** When `details` were as they are. */
  readonly time: number;
  readonly onChange: (change: ITransferChange) => void;
  readonly actions: IActions;
  readonly trans: TranslationBundle;
}

export function OverviewTab(props: IOverviewTabProps): React.JSX.Element {
  const { transfer, details, samples, time, onChange, actions, trans } = props;
  const count = (peers: number): string => String(peers);
  const pieces = details?.pieces ?? null;
  return (
    <>
      {transfer.error !== '' && <p className="jp-wt-Error">{displayName(transfer.error)}</p>}
      {transfer.notice !== '' && <p className="jp-wt-Notice">{displayName(transfer.notice)}</p>}
      {pieces !== null && <PieceMap pieces={pieces} trans={trans} />}
      {details !== undefined && <RatePlot samples={samples} now={time} trans={trans} />}
      <dl className="jp-wt-Facts">
        <Fact name={trans.__('State')}>{stateInWords(transfer, trans)}</Fact>
        <Fact name={trans.__('Size')}>
          {transfer.total > 0 || pieces !== null ? sizeInWords(transfer, trans) : ''}
        </Fact>
        <Fact name={trans.__('Folder')}>{displayName(transfer.folder)}</Fact>
        <Fact name={trans.__('Peers')}>
          {byTransportInWords(transfer.peers_by_transport, count, trans) || '0'}
        </Fact>
        <Fact name={trans.__('Received')}>
          {byTransportInWords(transfer.by_transport, formatBytes, trans)}
        </Fact>
        <Fact name={trans.__('Sent')}>
          {transfer.uploaded > 0 ? formatBytes(transfer.uploaded) : ''}
        </Fact>
        <Fact name={trans.__('Private')}>
          {details?.private === true ? trans.__('Yes: its trackers alone find its peers') : ''}
        </Fact>
      </dl>
      <div className="jp-wt-LinkLine">
        <input
          className="jp-mod-styled"
          readOnly
          aria-label={trans.__('Link')}
          value={transfer.magnet}
          onFocus={event => {
            event.currentTarget.select();
          }}
        />
        {actions.can(CommandIDs.copyLink) && (
          <IconButton
            icon={copyIcon}
            label={trans.__('Copy link')}
            title={trans.__('Copy link')}
            onClick={() => {
              actions.run(CommandIDs.copyLink, { infoHash: transfer.info_hash });
            }}
          />
        )}
      </div>
      {details !== undefined && (
        <fieldset className="jp-wt-Limits">
          <legend>{trans.__('Rate limits')}</legend>
          <LimitField
            label={trans.__('Download')}
            limit={details.down_limit}
            onChange={limit => {
              onChange({ down_limit: limit });
            }}
            trans={trans}
          />
          <LimitField
            label={trans.__('Upload')}
            limit={details.up_limit}
            onChange={limit => {
              onChange({ up_limit: limit });
            }}
            trans={trans}
          />
        </fieldset>
      )}
    </>
  );
}

interface IFactProps {
  readonly name: string;
  /** Nothing is said of what is empty. */
  readonly children: string;
}

function Fact({ name, children }: IFactProps): React.JSX.Element | null {
  return children === '' ? null : (
    <div>
      <dt>{name}</dt>
      <dd>
        <bdi title={children}>{children}</bdi>
      </dd>
    </div>
  );
}
