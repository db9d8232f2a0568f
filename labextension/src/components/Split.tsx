/**
 * Two parts above each other and a handle between them, for the pointer and for the arrow keys; the upper one
 * alone while there is no other.
 */

import * as React from 'react';

/** Per cent of the height that either part keeps. */
const LEAST = 15;
const STEP = 5;

interface ISplitProps {
  /** What the handle does. */
  readonly label: string;
  readonly upper: React.JSX.Element;
  readonly lower: React.JSX.Element | undefined;
}

export function Split({ label, upper, lower }: ISplitProps): React.JSX.Element {
  const frame = React.useRef<HTMLDivElement>(null);
  const [percent, setPercent] = React.useState(42);
  const move = (target: number): void => {
    setPercent(Math.round(Math.min(Math.max(target, LEAST), 100 - LEAST)));
  };
  return (
    <div ref={frame} className="jp-wt-Split">
      <div className="jp-wt-Split-part" style={{ flexGrow: percent }}>
        {upper}
      </div>
      {lower !== undefined && (
        <>
          <div
            className="jp-wt-Split-handle"
            role="separator"
            aria-label={label}
            aria-orientation="horizontal"
            aria-valuemin={LEAST}
            aria-valuemax={100 - LEAST}
            aria-valuenow={percent}
            tabIndex={0}
            onKeyDown={event => {
              const step = { ArrowUp: -STEP, ArrowDown: STEP }[event.key];
              if (step !== undefined) {
                event.preventDefault();
                move(percent + step);
              }
            }}
            onPointerDown={event => {
              event.preventDefault();
              event.currentTarget.setPointerCapture(event.pointerId);
            }}
            onPointerMove={event => {
              const box = frame.current?.getBoundingClientRect();
              if (box !== undefined && event.currentTarget.hasPointerCapture(event.pointerId)) {
                move((100 * (event.clientY - box.top)) / box.height);
              }
            }}
          />
          <div className="jp-wt-Split-part" style={{ flexGrow: 100 - percent }}>
            {lower}
          </div>
        </>
      )}
    </div>
  );
}
