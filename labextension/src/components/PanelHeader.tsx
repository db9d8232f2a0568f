/** The head of the panel: what can be begun here, how fast everything goes, and a search where there is much. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { downloadIcon, HTMLSelect, shareIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatRate } from '../format';
import type { Order } from '../listing';
import { ORDERS } from '../listing';
import { orderInWords } from './words';

interface IHeadingProps {
  /** Bytes per second. */
  readonly downRate: number;
  readonly upRate: number;
  readonly trans: TranslationBundle;
}

export function Heading({ downRate, upRate, trans }: IHeadingProps): React.JSX.Element {
  return (
    <div className="jp-wt-Header">
      <h2>{trans.__('Transfers')}</h2>
      <Rate arrow="↓" rate={downRate} title={trans.__('Receiving')} />
      <Rate arrow="↑" rate={upRate} title={trans.__('Sending')} />
    </div>
  );
}

interface IRateProps {
  readonly arrow: string;
  readonly rate: number;
  readonly title: string;
}

function Rate({ arrow, rate, title }: IRateProps): React.JSX.Element | null {
  return rate > 0 ? (
    <span title={title}>
      <span aria-hidden="true">{`${arrow} `}</span>
      {formatRate(rate)}
    </span>
  ) : null;
}

interface IPanelToolbarProps {
  readonly actions: IActions;
  readonly trans: TranslationBundle;
}

export function PanelToolbar({ actions, trans }: IPanelToolbarProps): React.JSX.Element | null {
  const offered = [
    { command: CommandIDs.share, Icon: shareIcon.react, label: trans.__('Share…') },
    { command: CommandIDs.fetch, Icon: downloadIcon.react, label: trans.__('Fetch…') }
  ].filter(({ command }) => actions.can(command));
  if (offered.length === 0) {
    return null;
  }
  return (
    <div className="jp-wt-Toolbar">
      {offered.map(({ command, Icon, label }) => (
        <button
          key={command}
          type="button"
          className="jp-wt-Toolbar-button"
          onClick={() => {
            actions.run(command);
          }}
        >
          <Icon tag="span" aria-hidden="true" width="16px" height="16px" />
          {label}
        </button>
      ))}
    </div>
  );
}

interface IListFilterProps {
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  readonly trans: TranslationBundle;
}

export function ListFilter(props: IListFilterProps): React.JSX.Element {
  const { query, onQuery, order, onOrder, trans } = props;
  return (
    <div className="jp-wt-Filter" role="search">
      <input
        className="jp-mod-styled"
        type="search"
        aria-label={trans.__('Filter by name')}
        placeholder={trans.__('Filter')}
        value={query}
        onChange={event => {
          onQuery(event.target.value);
        }}
      />
      <HTMLSelect
        aria-label={trans.__('Order')}
        value={order}
        onChange={event => {
          const chosen = ORDERS.find(known => known === event.target.value);
          if (chosen !== undefined) {
            onOrder(chosen);
          }
        }}
      >
        {ORDERS.map(known => (
          <option key={known} value={known}>
            {orderInWords(known, trans)}
          </option>
        ))}
      </HTMLSelect>
    </div>
  );
}
