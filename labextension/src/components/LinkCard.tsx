/** A transfer's link to pass on: as text to copy, as a QR code, as a .torrent file. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { checkIcon, copyIcon, downloadIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { displayName, formatBytes } from '../format';
import { qrCode } from '../qr';
import type { ITransferStatus } from '../schema';

/** Milliseconds for which it says that it copied. */
const COPIED_FOR = 2_000;

interface ILinkCardProps {
  readonly transfer: ITransferStatus;
  readonly metainfoUrl: string;
  readonly copy: (text: string) => void;
  readonly trans: TranslationBundle;
}

export function LinkCard({
  transfer,
  metainfoUrl,
  copy,
  trans
}: ILinkCardProps): React.JSX.Element {
  const { magnet, notice } = transfer;
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => {
      setCopied(false);
    }, COPIED_FOR);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  const CopyIcon = copied ? checkIcon : copyIcon;
  return (
    <div className="jp-wt-LinkCard">
      <h3 className="jp-wt-Form-name">
        <bdi>{displayName(transfer.name)}</bdi>
        <span>{formatBytes(transfer.total)}</span>
      </h3>
      <p>{trans.__('Whoever has this link can fetch it for as long as this server runs.')}</p>
      <div className="jp-wt-LinkCard-line">
        <input
          type="text"
          className="jp-mod-styled"
          readOnly
          value={magnet}
          aria-label={trans.__('Magnet link')}
          onFocus={event => {
            event.target.select();
          }}
        />
        <button
          type="button"
          className="jp-Dialog-button jp-mod-styled jp-wt-IconButton"
          data-wt-first
          onClick={() => {
            copy(magnet);
            setCopied(true);
          }}
        >
          <CopyIcon.react tag="span" aria-hidden="true" />
          <span>{copied ? trans.__('Copied') : trans.__('Copy')}</span>
        </button>
      </div>
      <p className="jp-wt-Unseen" role="status">
        {copied && trans.__('The link is in the clipboard.')}
      </p>
      <div className="jp-wt-LinkCard-more">
        <QrCode text={magnet} label={trans.__('QR code of the link')} />
        <a className="jp-wt-IconButton" href={metainfoUrl} download>
          <downloadIcon.react tag="span" aria-hidden="true" />
          {trans.__('Download .torrent')}
        </a>
      </div>
      {notice !== '' && <p className="jp-wt-Field-hint">{displayName(notice)}</p>}
    </div>
  );
}

/** Dark on light in every theme: many cameras read nothing else. */
function QrCode({ text, label }: { text: string; label: string }): React.JSX.Element | null {
  const code = React.useMemo(() => qrCode(text), [text]);
  if (code === undefined) {
    return null;
  }
  return (
    <svg
      className="jp-wt-QrCode"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${code.size} ${code.size}`}
      shapeRendering="crispEdges"
    >
      <rect width={code.size} height={code.size} fill="white" />
      <path d={code.path} fill="black" />
    </svg>
  );
}
