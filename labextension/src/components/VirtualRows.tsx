/**
 * Rows of one height of which only those in view are in the document, so that thousands cost what a few do.
 * What a row is and what keys do is left to who draws it.
 */

import * as React from 'react';

/** Rows beyond either edge, for a calm scroll and for the next Tab. */
const MARGIN = 4;

interface IVirtualRowsProps extends React.HTMLAttributes<HTMLDivElement> {
  readonly count: number;
  /** Draw the row at an index, that far from the top; keyed by the caller, with `rowClass` on it. */
  readonly draw: (index: number, top: number) => React.JSX.Element;
  /** A class that gives rows their height. */
  readonly rowClass: string;
  /** A row that stays in the document wherever the list is scrolled to. */
  readonly pinned?: number | undefined;
}

export function VirtualRows(props: IVirtualRowsProps): React.JSX.Element {
  const { count, draw, rowClass, pinned, ...rest } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const measure = React.useRef<HTMLDivElement>(null);
  const [{ row, view }, setHeights] = React.useState({ row: 1, view: 0 });
  const [first, setFirst] = React.useState(0);

  React.useLayoutEffect(() => {
    const node = scroller.current;
    const probe = measure.current;
    if (node === null || probe === null) {
      return;
    }
    const observer = new ResizeObserver(() => {
      // Hidden lists have no height: what was drawn can stay.
      if (node.clientHeight > 0) {
        setHeights({ row: Math.max(probe.offsetHeight, 1), view: node.clientHeight });
      }
    });
    observer.observe(node);
    observer.observe(probe);
    return () => {
      observer.disconnect();
    };
  }, []);

  const indices: number[] = [];
  const end = view === 0 ? 0 : Math.min(first + Math.ceil(view / row) + MARGIN + 1, count);
  for (let index = Math.min(Math.max(first - MARGIN, 0), end); index < end; index += 1) {
    indices.push(index);
  }
  if (pinned !== undefined && pinned >= 0 && pinned < count && !indices.includes(pinned)) {
    indices.splice(pinned < (indices[0] ?? 0) ? 0 : indices.length, 0, pinned);
  }
  return (
    <div
      {...rest}
      ref={scroller}
      onScroll={event => {
        setFirst(Math.floor(event.currentTarget.scrollTop / row));
      }}
    >
      <div className="jp-wt-VirtualRows" role="presentation" style={{ height: `${count * row}px` }}>
        <div ref={measure} className={`jp-wt-VirtualRows-measure ${rowClass}`} aria-hidden="true" />
        {indices.map(index => draw(index, index * row))}
      </div>
    </div>
  );
}
