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
      <p className="jp-wt-Empty-title">{trans.__('Nothing is shared yet')}</p>
      <p>{trans.__('To share a file, run this in a notebook cell:')}</p>
      <pre>
        <code>{'%load_ext jupyter_webtorrent\n%wt share data.csv'}</code>
      </pre>
      <p>{trans.__('It prints a link. Whoever has the link fetches the file with:')}</p>
      <pre>
        <code>%wt fetch LINK</code>
      </pre>
    </div>
  );
}
