/** The browser's own player, and a word while it waits for what has not arrived yet. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

interface IMediaPlayerProps {
  readonly kind: 'video' | 'audio';
  readonly url: string;
  readonly name: string;
  /** The browser gave up; resolves to whether the player is to try again. */
  readonly onFail: () => Promise<boolean>;
  readonly onPlays: () => void;
  readonly trans: TranslationBundle;
}

export function MediaPlayer({
  kind,
  url,
  name,
  onFail,
  onPlays,
  trans
}: IMediaPlayerProps): React.JSX.Element {
  const [isWaiting, setWaiting] = React.useState(false);
  const waits = (): void => {
    setWaiting(true);
  };
  const goesOn = (): void => {
    setWaiting(false);
  };
  const fails = async ({
    currentTarget: player
  }: React.SyntheticEvent<HTMLMediaElement>): Promise<void> => {
    const { currentTime, paused } = player;
    setWaiting(true);
    if (await onFail()) {
      player.load();
      player.currentTime = currentTime;
      if (!paused) {
        // An error comes by its own event.
        player.play().catch(() => undefined);
      }
    }
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
        onError={event => void fails(event)}
        onSeeking={waits}
        onWaiting={waits}
        onCanPlay={goesOn}
        onPlaying={() => {
          goesOn();
          onPlays();
        }}
        onSeeked={goesOn}
      />
      <p className="jp-wt-Preview-waiting" role="status">
        {isWaiting && <span>{trans.__('Waiting for this part to arrive…')}</span>}
      </p>
    </>
  );
}
