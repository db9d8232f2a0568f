/** The files of a transfer: how much of each is here, and how much each is wanted. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, launchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { displayName, formatBytes } from '../format';
import { contentsPath } from '../paths';
import type { FilePriority, IFileStatus, ITransferDetails } from '../schema';
import { FILE_PRIORITIES } from '../schema';
import { IconButton } from './IconButton';
import { VirtualRows } from './VirtualRows';
import { priorityInWords } from './words';

/** JupyterLab's own command. */
const OPEN = 'docmanager:open';

interface IFilesTabProps {
  readonly details: ITransferDetails;
  /** The folder that Jupyter serves. */
  readonly root: string;
  readonly onPriority: (index: number, priority: FilePriority) => void;
  readonly actions: IActions;
  readonly trans: TranslationBundle;
}

export function FilesTab(props: IFilesTabProps): React.JSX.Element {
  const { details, root, onPriority, actions, trans } = props;
  const { files, transfer } = details;
  const [focused, setFocused] = React.useState(-1);
  if (files.length === 0) {
    return <p className="jp-wt-Notice">{trans.__('The files are not known yet.')}</p>;
  }
  const isRead = transfer.state === 'on_demand';
  const drawFile = (index: number, top: number): React.JSX.Element => {
    const file = files[index];
    if (file === undefined) {
      return <React.Fragment key={index} />;
    }
    const complete = file.done >= file.length;
    const path = complete ? contentsPath(details, file.path, root) : undefined;
    return (
      <FileRow
        key={file.index}
        file={file}
        position={index}
        top={top}
        count={files.length}
        fixed={transfer.shared || isRead}
        onRead={
          actions.can(CommandIDs.openFile)
            ? () => {
                actions.run(CommandIDs.openFile, {
                  infoHash: transfer.info_hash,
                  path: file.path
                });
              }
            : undefined
        }
        onOpen={
          path !== undefined && actions.can(OPEN)
            ? () => {
                actions.run(OPEN, { path });
              }
            : undefined
        }
        onPriority={onPriority}
        trans={trans}
      />
    );
  };
  return (
    <>
      {isRead && (
        <p className="jp-wt-Notice">
          {trans.__('Only what is read of these files comes.')}{' '}
          {actions.can(CommandIDs.fetch) && (
            <button
              type="button"
              className="jp-wt-LinkButton"
              onClick={() => {
                actions.run(CommandIDs.fetch, { link: transfer.magnet });
              }}
            >
              {trans.__('Fetch into a folder…')}
            </button>
          )}
        </p>
      )}
      <VirtualRows
        className="jp-wt-FileList"
        role="list"
        aria-label={trans.__('Files')}
        rowClass="jp-wt-FileHeight"
        count={files.length}
        pinned={focused}
        draw={drawFile}
        onFocus={event => {
          const row = event.target.closest<HTMLElement>('[aria-posinset]');
          setFocused(Number(row?.ariaPosInSet ?? 0) - 1);
        }}
      />
    </>
  );
}

interface IFileRowProps {
  readonly file: IFileStatus;
  /** In the list. */
  readonly position: number;
  /** Pixels from the top of the list. */
  readonly top: number;
  readonly count: number;
  /** Whether nobody may choose how much it is wanted. */
  readonly fixed: boolean;
  /** Read it while it comes. */
  readonly onRead: (() => void) | undefined;
  /** Open it from disk. */
  readonly onOpen: (() => void) | undefined;
  readonly onPriority: (index: number, priority: FilePriority) => void;
  readonly trans: TranslationBundle;
}

function FileRow(props: IFileRowProps): React.JSX.Element {
  const { file, position, top, count, fixed, onRead, onOpen, onPriority, trans } = props;
  const path = displayName(file.path);
  const cut = path.lastIndexOf('/') + 1;
  const name = path.slice(cut);
  const percent = file.length === 0 ? 100 : Math.floor((100 * file.done) / file.length);
  const facts = [formatBytes(file.length)];
  if (percent < 100) {
    facts.push(`${percent}%`);
  }
  if (cut > 0) {
    facts.push(path.slice(0, cut - 1));
  }
  return (
    <div
      className="jp-wt-File"
      role="listitem"
      aria-posinset={position + 1}
      aria-setsize={count}
      data-wanted={file.wanted}
      style={{ top: `${top}px` }}
    >
      <div className="jp-wt-File-text">
        {onRead === undefined ? (
          <bdi className="jp-wt-File-name" title={path}>
            {name}
          </bdi>
        ) : (
          <button type="button" className="jp-wt-File-name" title={path} onClick={onRead}>
            <bdi>{name}</bdi>
          </button>
        )}
        <bdi className="jp-wt-File-facts">{facts.join(' · ')}</bdi>
        <progress
          className="jp-wt-File-progress"
          aria-label={trans.__('Progress of %1', path)}
          max={100}
          value={percent}
        />
      </div>
      {onOpen !== undefined && (
        <IconButton
          icon={launchIcon}
          label={trans.__('Open %1', path)}
          title={trans.__('Open')}
          onClick={onOpen}
        />
      )}
      {!fixed && (
        <HTMLSelect
          className="jp-wt-File-priority"
          aria-label={trans.__('Priority of %1', path)}
          value={file.priority}
          onChange={event => {
            const chosen = FILE_PRIORITIES.find(priority => priority === event.target.value);
            if (chosen !== undefined) {
              onPriority(file.index, chosen);
            }
          }}
        >
          {FILE_PRIORITIES.map(priority => (
            <option key={priority} value={priority}>
              {priorityInWords(priority, trans)}
            </option>
          ))}
        </HTMLSelect>
      )}
    </div>
  );
}
