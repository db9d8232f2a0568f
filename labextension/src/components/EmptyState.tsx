/** What the panel says before the first transfer: how to begin. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { transfersIcon } from '../icons';

interface IEmptyStateProps {
  readonly trans: TranslationBundle;
}

export function EmptyState({ trans }: IEmptyStateProps): React.JSX.Element {
  return (
    <div className="jp-wt-Empty">
      <transfersIcon.react className="jp-wt-Empty-icon" tag="div" aria-hidden="true" />
      <p className="jp-wt-Empty-title">{trans.__('Nothing is shared or fetched yet')}</p>
      <p>
        {trans.__(
          'To share, drop files here, or take “Share with WebTorrent” from the menu of a file in the file browser.'
        )}
      </p>
      <p>{trans.__('To fetch, paste a link here.')}</p>
      <p>{trans.__('In a notebook cell:')}</p>
      <pre>
        <code>{'%load_ext jupyter_webtorrent\n%wt share data.csv\n%wt fetch LINK'}</code>
      </pre>
    </div>
  );
}
