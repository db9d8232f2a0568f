/** Shows both rates in the status bar while something moves. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar, TextItem } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CommandIDs } from '../commands';
import { formatRate } from '../format';
import type { ITransferModel } from '../model';
import { ITransfers } from '../tokens';

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:status',
  description: 'Shows the rates of the transfers in the status bar.',
  autoStart: true,
  requires: [ITransfers],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    transfers: ITransfers,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    if (statusBar === null) {
      return; // Notebook 7 has none
    }
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const item = new Rates(transfers, trans, () => {
      void app.commands.execute(CommandIDs.show);
    });
    statusBar.registerStatusItem('jupyter-webtorrent:rates', {
      item,
      align: 'right',
      rank: 50,
      isActive: () => isMoving(transfers),
      activeStateChanged: transfers.changed
    });
  }
};

class Rates extends ReactWidget {
  constructor(model: ITransferModel, trans: TranslationBundle, show: () => void) {
    super();
    this._model = model;
    this._trans = trans;
    this._show = show;
    this.addClass('jp-mod-highlighted');
  }

  protected override render(): React.JSX.Element {
    return (
      <UseSignal signal={this._model.changed}>
        {() => {
          const down = formatRate(this._model.downRate);
          const up = formatRate(this._model.upRate);
          return (
            <TextItem
              className="jp-wt-Rates"
              source={`↓ ${down}  ↑ ${up}`}
              title={this._trans.__('WebTorrent: receiving %1, sending %2', down, up)}
              role="button"
              tabIndex={0}
              aria-label={this._trans.__('WebTorrent: receiving %1, sending %2', down, up)}
              onClick={this._show}
              onKeyDown={event => {
                if (event.key === 'Enter' || event.key === ' ') {
                  event.preventDefault();
                  this._show();
                }
              }}
            />
          );
        }}
      </UseSignal>
    );
  }

  private readonly _model: ITransferModel;
  private readonly _trans: TranslationBundle;
  private readonly _show: () => void;
}

/** A rate that shows as nothing is not worth the place. */
function isMoving({ downRate, upRate }: ITransferModel): boolean {
  return downRate >= 1 || upRate >= 1;
}
