/** Tabs as the ARIA pattern has them: one of them in the order of Tab, the arrow keys choose. */

import * as React from 'react';

interface ITab {
  readonly id: string;
  readonly title: string;
  readonly content: () => React.JSX.Element;
}

interface ITabsProps {
  readonly label: string;
  /** At least one. */
  readonly tabs: readonly [ITab, ...ITab[]];
}

export function Tabs({ label, tabs }: ITabsProps): React.JSX.Element {
  const prefix = React.useId();
  const [chosen, setChosen] = React.useState(tabs[0].id);
  const index = Math.max(
    tabs.findIndex(({ id }) => id === chosen),
    0
  );
  const current = tabs[index] ?? tabs[0];
  const tabId = (id: string): string => `${prefix}-tab-${id}`;
  const panelId = `${prefix}-panel`;
  const onKeyDown = (event: React.KeyboardEvent<HTMLElement>): void => {
    const targets: Record<string, number> = {
      ArrowLeft: index - 1,
      ArrowRight: index + 1,
      Home: 0,
      End: -1
    };
    const target = targets[event.key];
    const next = target === undefined ? undefined : tabs.at(target % tabs.length);
    if (next !== undefined) {
      event.preventDefault();
      setChosen(next.id);
      document.getElementById(tabId(next.id))?.focus();
    }
  };
  return (
    <>
      <div className="jp-wt-Tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={tabId(id)}
            aria-controls={panelId}
            aria-selected={id === current.id}
            tabIndex={id === current.id ? 0 : -1}
            onClick={() => {
              setChosen(id);
            }}
          >
            {title}
          </button>
        ))}
      </div>
      <div
        key={current.id}
        className="jp-wt-TabPanel"
        role="tabpanel"
        id={panelId}
        aria-labelledby={tabId(current.id)}
        tabIndex={0}
      >
        {current.content()}
      </div>
    </>
  );
}
