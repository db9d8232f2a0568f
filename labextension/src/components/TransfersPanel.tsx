/** The side panel: a heading with the rates, a word on the connection when it is bad, and the list. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { formatRate } from '../format';
import type { Connection, ITransferModel } from '../model';
import { EmptyState } from './EmptyState';
import { TransferList } from './TransferList';

export class TransfersPanel extends ReactWidget {
  constructor(model: ITransferModel, trans: TranslationBundle) {
    super();
    this._model = model;
    this._trans = trans;
    this.addClass('jp-wt-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Transfers'));
  }

  protected override render(): React.JSX.Element {
    const model = this._model;
    const trans = this._trans;
    return (
      <UseSignal signal={model.changed}>
        {() => (
          <>
            <Header downRate={model.downRate} upRate={model.upRate} trans={trans} />
            <ConnectionNote connection={model.connection} trans={trans} />
            {model.transfers.length > 0 ? (
              <TransferList transfers={model.transfers} trans={trans} />
            ) : (
              isKnown(model.connection) && <EmptyState trans={trans} />
            )}
          </>
        )}
      </UseSignal>
    );
  }

  private readonly _model: ITransferModel;
  private readonly _trans: TranslationBundle;
}

interface IHeaderProps {
  readonly downRate: number;
  readonly upRate: number;
  readonly trans: TranslationBundle;
}

function Header({ downRate, upRate, trans }: IHeaderProps): React.JSX.Element {
  return (
    <header className="jp-wt-Header">
      <h2>{trans.__('Transfers')}</h2>
      {downRate > 0 && (
        <span title={trans.__('Receiving')}>
          <span aria-hidden="true">↓ </span>
          {formatRate(downRate)}
        </span>
      )}
      {upRate > 0 && (
        <span title={trans.__('Sending')}>
          <span aria-hidden="true">↑ </span>
          {formatRate(upRate)}
        </span>
      )}
    </header>
  );
}

interface IConnectionNoteProps {
  readonly connection: Connection;
  readonly trans: TranslationBundle;
}

function ConnectionNote({ connection, trans }: IConnectionNoteProps): React.JSX.Element | null {
  switch (connection) {
    case 'unreachable':
      return (
        <p className="jp-wt-Note" role="status">
          {trans.__('The Jupyter server does not answer. Trying again…')}
        </p>
      );
    case 'missing':
      return (
        <p className="jp-wt-Note" role="status">
          {trans.__('The server extension jupyter_webtorrent is not enabled on this server.')}
        </p>
      );
    default:
      return null;
  }
}

/** Whether an empty list means that there are no transfers. */
function isKnown(connection: Connection): boolean {
  return connection === 'live' || connection === 'polling';
}
