/** One transfer in the list: always of the same height, so that nothing jumps while its figures change. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon, deleteIcon, pauseIcon, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { displayName, formatRate, percentDone } from '../format';
import { nameOf } from '../listing';
import type { ITransferStatus } from '../schema';
import { IconButton } from './IconButton';
import { ProgressBar } from './ProgressBar';
import { sizeInWords, stateInWords, timeLeftInWords, uploadInWords } from './words';

interface ITransferRowProps {
  readonly transfer: ITransferStatus;
  readonly index: number;
  /** Pixels from the top of the list. */
  readonly top: number;
  /** Whether Tab leads here. */
  readonly active: boolean;
  /** Whether its details are shown. */
  readonly selected: boolean;
  readonly actions: IActions;
  readonly trans: TranslationBundle;
}

export const TransferRow = React.memo(function TransferRow(
  props: ITransferRowProps
): React.JSX.Element {
  const { transfer, index, top, active, selected, actions, trans } = props;
  const name = nameOf(transfer);
  const percent = percentDone(transfer);
  const message = displayName(transfer.error || transfer.notice);
  const facts = factsOf(transfer, trans);
  return (
    <div
      className="jp-wt-Row"
      role="row"
      aria-rowindex={index + 1}
      aria-selected={selected}
      tabIndex={active ? 0 : -1}
      data-info-hash={transfer.info_hash}
      data-state={transfer.state}
      style={{ top: `${top}px` }}
    >
      <div className="jp-wt-Row-main" role="gridcell">
        <div className="jp-wt-Row-head">
          <bdi className="jp-wt-Row-name" title={name}>
            {name}
          </bdi>
          {percent !== undefined && percent < 100 && (
            <span className="jp-wt-Row-percent">{`${percent}%`}</span>
          )}
        </div>
        <ProgressBar label={trans.__('Progress of %1', name)} percent={percent} />
        <div className="jp-wt-Row-facts">
          <span className="jp-wt-Row-state">{stateInWords(transfer, trans)}</span>
          <span>{facts[0]}</span>
        </div>
        {message === '' ? (
          <div className="jp-wt-Row-facts">
            <span>{facts[1]}</span>
            <span>{facts[2]}</span>
          </div>
        ) : (
          <div className="jp-wt-Row-message" title={message}>
            {message}
          </div>
        )}
      </div>
      <RowActions transfer={transfer} name={name} active={active} actions={actions} trans={trans} />
    </div>
  );
});

/** The fact beside the state, and the two below it. */
function factsOf(transfer: ITransferStatus, trans: TranslationBundle): [string, string, string] {
  const size = sizeInWords(transfer, trans);
  const peers = trans._n('%1 peer', '%1 peers', transfer.peers);
  switch (transfer.state) {
    case 'metadata':
      return [peers, '', ''];
    case 'checking':
    case 'paused':
    case 'failed':
      return ['', size, ''];
    case 'downloading':
      return [
        timeLeftInWords(transfer, trans) || peers,
        size,
        transfer.down_rate > 0 ? `↓ ${formatRate(transfer.down_rate)}` : ''
      ];
    case 'seeding':
    case 'on_demand':
      return [peers, size, uploadInWords(transfer, trans)];
  }
}

interface IRowActionsProps {
  readonly transfer: ITransferStatus;
  readonly name: string;
  readonly active: boolean;
  readonly actions: IActions;
  readonly trans: TranslationBundle;
}

function RowActions(props: IRowActionsProps): React.JSX.Element | null {
  const { transfer, name, active, actions, trans } = props;
  const halted = transfer.state === 'paused' || transfer.state === 'failed';
  const offered = [
    halted
      ? {
          command: CommandIDs.resume,
          icon: runIcon,
          title: trans.__('Resume'),
          label: trans.__('Resume %1', name)
        }
      : {
          command: CommandIDs.pause,
          icon: pauseIcon,
          title: trans.__('Pause'),
          label: trans.__('Pause %1', name)
        },
    {
      command: CommandIDs.copyLink,
      icon: copyIcon,
      title: trans.__('Copy link'),
      label: trans.__('Copy the link of %1', name)
    },
    {
      command: CommandIDs.remove,
      icon: deleteIcon,
      title: trans.__('Remove…'),
      label: trans.__('Remove %1…', name)
    }
  ].filter(({ command }) => actions.can(command));
  if (offered.length === 0) {
    return null;
  }
  return (
    <div className="jp-wt-Row-actions" role="gridcell">
      {offered.map(({ command, ...button }) => (
        <IconButton
          // Pause and resume are one button, which keeps the focus.
          key={command === CommandIDs.resume ? CommandIDs.pause : command}
          {...button}
          tabIndex={active ? 0 : -1}
          onClick={() => {
            actions.run(command, { infoHash: transfer.info_hash });
          }}
        />
      ))}
    </div>
  );
}
