/** The browser's own player, and a word while it waits for what has not arrived yet. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

interface IMediaPlayerProps {
  readonly kind: 'video' | 'audio';
  readonly url: string;
  readonly name: string;
  readonly onFail: () => void;
  readonly trans: TranslationBundle;
}

export function MediaPlayer({
  kind,
  url,
  name,
  onFail,
  trans
}: IMediaPlayerProps): React.JSX.Element {
  const [isWaiting, setWaiting] = React.useState(false);
  const waits = (): void => {
    setWaiting(true);
  };
  const goesOn = (): void => {
    setWaiting(false);
  };
  const Player = kind;
  return (
    <>
      <Player
        className={`jp-wt-Preview-${kind}`}
        src={url}
        controls
        preload="metadata"
        aria-label={name}
        onError={onFail}
        onSeeking={waits}
        onWaiting={waits}
        onCanPlay={goesOn}
        onPlaying={goesOn}
        onSeeked={goesOn}
      />
      <p className="jp-wt-Preview-waiting" role="status">
        {isWaiting && <span>{trans.__('Waiting for this part to arrive…')}</span>}
      </p>
    </>
  );
}
