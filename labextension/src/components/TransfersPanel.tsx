/**
 * The side panel: a head, a word on the connection when it is bad, the list, and the details of the transfer
 * that is selected in it. Only while it is in view are details asked for.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { IActions } from '../actions';
import type { DetailsFeed } from '../details';
import { loggedOutLine } from '../errors';
import type { Order } from '../listing';
import { listed } from '../listing';
import type { Connection, ITransferModel } from '../model';
import { isConnected } from '../model';
import { EmptyState } from './EmptyState';
import { Heading, ListFilter, PanelToolbar } from './PanelHeader';
import { Split } from './Split';
import { TransferDetails } from './TransferDetails';
import { TransferList } from './TransferList';

/** Of fewer transfers one sees at a glance which is meant. */
const MANY = 8;

const ROW = '.jp-wt-Row';

interface IPanelOptions {
  readonly model: ITransferModel;
  /** Is disposed of with the panel. */
  readonly feed: DetailsFeed;
  /** The folder that Jupyter serves; empty if nobody knows. */
  readonly root: string;
  /** Open a menu for a transfer there (client pixels). */
  readonly onMenu: (infoHash: string, x: number, y: number) => void;
  readonly trans: TranslationBundle;
}

export class TransfersPanel extends ReactWidget {
  constructor(options: IPanelOptions, actions: IActions) {
    super();
    this._options = options;
    this._actions = actions;
    this.addClass('jp-wt-Panel');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', options.trans.__('Transfers'));
  }

  /** What can be done now. */
  set actions(actions: IActions) {
    this._actions = actions;
    this.update();
  }

  /** Put the focus on the transfer that is selected, or into its details. */
  async focusSelected(details: boolean): Promise<void> {
    this.update();
    await this.renderPromise;
    requestAnimationFrame(() => {
      const row = this.node.querySelector<HTMLElement>(`${ROW}[aria-selected="true"]`);
      const tab = this.node.querySelector<HTMLElement>('.jp-wt-Tabs [aria-selected="true"]');
      (details ? tab : row)?.focus();
    });
  }

  override dispose(): void {
    this._options.feed.dispose();
    super.dispose();
  }

  handleEvent(event: Event): void {
    if (event instanceof MouseEvent && event.type === 'contextmenu') {
      this._onContextMenu(event);
    } else {
      this._watch();
    }
  }

  protected override render(): React.JSX.Element {
    const { model } = this._options;
    return (
      <UseSignal signal={model.changed}>
        {() => (
          <Panel
            {...this._options}
            actions={this._actions}
            onOpen={infoHash => {
              model.select(infoHash);
              void this.focusSelected(true);
            }}
            onClose={() => {
              this._close();
            }}
            onFocusLost={this._onFocusLost}
          />
        )}
      </UseSignal>
    );
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    document.addEventListener('visibilitychange', this);
    this.node.addEventListener('contextmenu', this);
    this._watch();
  }

  protected override onBeforeDetach(message: Message): void {
    document.removeEventListener('visibilitychange', this);
    this.node.removeEventListener('contextmenu', this);
    this._options.feed.watched = false;
    super.onBeforeDetach(message);
  }

  protected override onAfterShow(): void {
    this._watch();
  }

  protected override onAfterHide(): void {
    this._watch();
  }

  protected override onActivateRequest(): void {
    this._focusList();
  }

  private _focusList(): void {
    const row = this.node.querySelector<HTMLElement>(`${ROW}[tabindex="0"]`);
    (row ?? this.node).focus();
  }

  private readonly _onFocusLost = (): void => {
    requestAnimationFrame(() => {
      this._focusList();
    });
  };

  private _watch(): void {
    this._options.feed.watched = this.isVisible && !document.hidden;
  }

  private _onContextMenu(event: MouseEvent): void {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>(ROW) : null;
    const infoHash = row?.dataset['infoHash'];
    if (infoHash !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      this._options.onMenu(infoHash, event.clientX, event.clientY);
    }
  }

  private _close(): void {
    // The row is in the document as long as it is selected.
    this.node.querySelector<HTMLElement>(`${ROW}[aria-selected="true"]`)?.focus();
    this._options.model.select(null);
  }

  private readonly _options: IPanelOptions;
  private _actions: IActions;
}

interface IPanelProps extends IPanelOptions {
  readonly actions: IActions;
  readonly onOpen: (infoHash: string) => void;
  readonly onClose: () => void;
  readonly onFocusLost: () => void;
}

function Panel(props: IPanelProps): React.JSX.Element {
  const { model, feed, root, trans, actions, onOpen, onClose, onFocusLost } = props;
  const { connection, downRate, upRate, selected, transfers } = model;
  return (
    <>
      <Heading downRate={downRate} upRate={upRate} trans={trans} />
      <PanelToolbar actions={actions} trans={trans} />
      <ConnectionNote connection={connection} trans={trans} />
      {transfers.length === 0 ? (
        isConnected(connection) && <EmptyState trans={trans} />
      ) : (
        <Split
          label={trans.__('Height of the list')}
          upper={<FilteredList model={model} actions={actions} onOpen={onOpen} trans={trans} />}
          lower={
            selected && (
              <TransferDetails
                transfer={selected}
                feed={feed}
                samples={model.history(selected.info_hash)}
                root={root}
                onClose={onClose}
                onFocusLost={onFocusLost}
                actions={actions}
                trans={trans}
              />
            )
          }
        />
      )}
    </>
  );
}

interface IFilteredListProps {
  readonly model: ITransferModel;
  readonly actions: IActions;
  readonly onOpen: (infoHash: string) => void;
  readonly trans: TranslationBundle;
}

function FilteredList(props: IFilteredListProps): React.JSX.Element {
  const { model, actions, onOpen, trans } = props;
  const [query, setQuery] = React.useState('');
  const [order, setOrder] = React.useState<Order>('newest');
  const { transfers, selected } = model;
  const found = listed(transfers, query, order);
  return (
    <>
      {(transfers.length > MANY || query !== '') && (
        <ListFilter
          query={query}
          onQuery={setQuery}
          order={order}
          onOrder={setOrder}
          trans={trans}
        />
      )}
      {found.length > 0 ? (
        <TransferList
          transfers={found}
          selected={selected?.info_hash}
          onSelect={infoHash => {
            model.select(infoHash);
          }}
          onOpen={onOpen}
          actions={actions}
          trans={trans}
        />
      ) : (
        <p className="jp-wt-Notice">{trans.__('No transfer has such a name.')}</p>
      )}
    </>
  );
}

interface IConnectionNoteProps {
  readonly connection: Connection;
  readonly trans: TranslationBundle;
}

/** Is there always, so that a screen reader says what comes into it. */
function ConnectionNote({ connection, trans }: IConnectionNoteProps): React.JSX.Element {
  return (
    <p className="jp-wt-Note" role="status">
      {connection === 'unreachable' &&
        trans.__('The Jupyter server does not answer. Trying again…')}
      {connection === 'missing' &&
        trans.__('The server extension jupyter_webtorrent is not enabled on this server.')}
      {connection === 'forbidden' && loggedOutLine(trans)}
    </p>
  );
}
