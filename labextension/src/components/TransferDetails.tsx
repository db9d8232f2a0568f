/** All about the selected transfer, in tabs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IActions } from '../actions';
import type { IDetails } from '../details';
import { errorLine } from '../errors';
import type { IRateSample } from '../history';
import { nameOf } from '../listing';
import type { ITransferStatus } from '../schema';
import { FilesTab } from './FilesTab';
import { IconButton } from './IconButton';
import { OverviewTab } from './OverviewTab';
import { PeersTab } from './PeersTab';
import { Tabs } from './Tabs';
import { TrackersTab } from './TrackersTab';

interface ITransferDetailsProps {
  readonly transfer: ITransferStatus;
  readonly feed: IDetails;
  readonly samples: readonly IRateSample[];
  /** The folder that Jupyter serves; empty if nobody knows. */
  readonly root: string;
  readonly onClose: () => void;
  /** The focus was in here when the transfer went; always the same function. */
  readonly onFocusLost: () => void;
  readonly actions: IActions;
  readonly trans: TranslationBundle;
}

export function TransferDetails(props: ITransferDetailsProps): React.JSX.Element {
  const { transfer, feed, samples, root, onClose, onFocusLost, actions, trans } = props;
  const section = React.useRef<HTMLElement>(null);
  // Runs while the section is still in the document.
  React.useLayoutEffect(() => {
    const node = section.current;
    return () => {
      if (node?.contains(document.activeElement) === true) {
        onFocusLost();
      }
    };
  }, [onFocusLost]);
  const name = nameOf(transfer);
  return (
    <section
      ref={section}
      className="jp-wt-Details"
      aria-label={trans.__('Details of %1', name)}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <header className="jp-wt-Details-head">
        <h3>
          <bdi title={name}>{name}</bdi>
        </h3>
        <IconButton
          icon={closeIcon}
          label={trans.__('Close the details')}
          title={trans.__('Close the details')}
          onClick={onClose}
        />
      </header>
      <UseSignal signal={feed.changed}>
        {() => {
          const { details, time, error } = feed;
          const loading = (): React.JSX.Element => (
            <p className="jp-wt-Notice">{error === undefined ? trans.__('Loading…') : ''}</p>
          );
          return (
            <>
              {error !== undefined && (
                <p className="jp-wt-Error" role="alert">
                  {errorLine(error, trans)}
                </p>
              )}
              <Tabs
                label={trans.__('Details')}
                tabs={[
                  {
                    id: 'overview',
                    title: trans.__('Overview'),
                    content: () => (
                      <OverviewTab
                        key={transfer.info_hash}
                        transfer={transfer}
                        details={details}
                        samples={samples}
                        time={time}
                        onChange={change => void feed.change(change)}
                        actions={actions}
                        trans={trans}
                      />
                    )
                  },
                  {
                    id: 'files',
                    title: trans.__('Files'),
                    content: () =>
                      details === undefined ? (
                        loading()
                      ) : (
                        <FilesTab
                          details={details}
                          root={root}
                          onPriority={(index, priority) =>
                            void feed.change({ priorities: { [index]: priority } })
                          }
                          actions={actions}
                          trans={trans}
                        />
                      )
                  },
                  {
                    id: 'peers',
                    title: trans.__('Peers'),
                    content: () =>
                      details === undefined ? (
                        loading()
                      ) : (
                        <PeersTab details={details} trans={trans} />
                      )
                  },
                  {
                    id: 'trackers',
                    title: trans.__('Trackers'),
                    content: () =>
                      details === undefined ? (
                        loading()
                      ) : (
                        <TrackersTab details={details} trans={trans} />
                      )
                  }
                ]}
              />
            </>
          );
        }}
      </UseSignal>
    </section>
  );
}
