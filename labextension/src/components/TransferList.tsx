/**
 * The live list, a grid of one transfer a row: one row takes part in the order of Tab, the arrow keys choose
 * which. Names and messages are text nodes, never HTML.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import type { ITransferStatus } from '../schema';
import { TransferRow } from './TransferRow';
import { VirtualRows } from './VirtualRows';

/** Rows that Page Up and Page Down go by. */
const PAGE = 10;

interface ITransferListProps {
  /** In the order in which they are shown. */
  readonly transfers: readonly ITransferStatus[];
  /** The transfer whose details are shown. */
  readonly selected: string | undefined;
  readonly onSelect: (infoHash: string) => void;
  /** Go on to the details. */
  readonly onOpen: (infoHash: string) => void;
  readonly actions: IActions;
  readonly trans: TranslationBundle;
}

export function TransferList(props: ITransferListProps): React.JSX.Element {
  const { transfers, selected, onSelect, onOpen, actions, trans } = props;
  const list = React.useRef<HTMLDivElement>(null);
  const held = React.useRef(false);
  const [last, setLast] = React.useState({ infoHash: '', index: 0 });
  const selectedIndex = indexOf(transfers, selected);
  const active = activeIndex(transfers, last, selectedIndex);
  const activeHash = transfers[active]?.info_hash;

  // The row that had the focus went, or another one was chosen: the focus follows. Details take of the list's
  // height when they come.
  React.useEffect(() => {
    const row = activeHash === undefined ? null : rowOf(list.current, activeHash);
    row?.scrollIntoView({ block: 'nearest' });
    if (held.current) {
      row?.focus({ preventScroll: true });
    }
  }, [activeHash, selected]);

  const go = (index: number): void => {
    const target = transfers[Math.min(Math.max(index, 0), transfers.length - 1)];
    if (target !== undefined) {
      setLast({ infoHash: target.info_hash, index: transfers.indexOf(target) });
      if (selected !== undefined) {
        onSelect(target.info_hash);
      }
    }
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const onRow = event.target instanceof HTMLElement && event.target.role === 'row';
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + PAGE,
      PageUp: active - PAGE,
      Home: 0,
      End: transfers.length - 1
    };
    const target = steps[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || activeHash === undefined) {
      return;
    }
    if (target !== undefined) {
      go(target);
    } else if (event.key === 'Enter' && onRow) {
      onOpen(activeHash);
    } else if (event.key === 'Delete' && actions.can(CommandIDs.remove)) {
      actions.run(CommandIDs.remove, { infoHash: activeHash });
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={list} className="jp-wt-ListFrame">
      <VirtualRows
        className="jp-wt-List"
        role="grid"
        aria-label={trans.__('Transfers')}
        aria-rowcount={transfers.length}
        rowClass="jp-wt-RowHeight"
        count={transfers.length}
        pinned={active}
        draw={(index, top) => {
          const transfer = transfers[index];
          return transfer === undefined ? (
            <React.Fragment key={index} />
          ) : (
            <TransferRow
              key={transfer.info_hash}
              transfer={transfer}
              index={index}
              top={top}
              active={index === active}
              selected={index === selectedIndex}
              actions={actions}
              trans={trans}
            />
          );
        }}
        onKeyDown={onKeyDown}
        onFocus={event => {
          held.current = true;
          const infoHash = hashOf(event.target);
          if (infoHash !== undefined && infoHash !== activeHash) {
            setLast({ infoHash, index: indexOf(transfers, infoHash) });
          }
        }}
        onBlur={() => {
          held.current = false;
        }}
        onClick={event => {
          const infoHash = hashOf(event.target);
          if (infoHash !== undefined) {
            setLast({ infoHash, index: indexOf(transfers, infoHash) });
            onSelect(infoHash);
          }
        }}
      />
    </div>
  );
}

function indexOf(transfers: readonly ITransferStatus[], infoHash: string | undefined): number {
  return transfers.findIndex(({ info_hash }) => info_hash === infoHash);
}

/** The selected row; or else the one that the keyboard was on last, or whichever took its place. */
function activeIndex(
  transfers: readonly ITransferStatus[],
  last: { readonly infoHash: string; readonly index: number },
  selectedIndex: number
): number {
  const index = selectedIndex >= 0 ? selectedIndex : indexOf(transfers, last.infoHash);
  return index >= 0 ? index : Math.max(Math.min(last.index, transfers.length - 1), 0);
}

function hashOf(target: EventTarget): string | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>('.jp-wt-Row') : null;
  return row?.dataset['infoHash'];
}

function rowOf(list: HTMLElement | null, infoHash: string): HTMLElement | null {
  return list?.querySelector<HTMLElement>(`.jp-wt-Row[data-info-hash='${infoHash}']`) ?? null;
}
