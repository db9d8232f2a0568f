/**
 * A dialog of JupyterLab's with a form of ours in it: pages may follow one another, and the buttons stay with the
 * page that they are of. The return of the focus is JupyterLab's, and so are Enter and Escape within the dialog.
 */

import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

/** Show a form until it calls `close` or the person closes it; what it renders is unmounted then. */
export async function showForm(
  title: string,
  render: (close: () => void) => React.JSX.Element
): Promise<void> {
  const body = new FormBody(() =>
    render(() => {
      dialog.reject();
    })
  );
  const dialog = new Dialog<unknown>({
    title,
    body,
    buttons: [],
    focusNodeSelector: '[data-wt-first]'
  });
  dialog.addClass('jp-wt-Dialog');
  dialog.node.ariaLabel = title;
  dialog.node.tabIndex = -1; // a click between the fields leaves the focus inside
  const hear = (event: KeyboardEvent): void => {
    if (dialog.isAttached) {
      keepKeysInside(dialog, event);
    }
  };
  document.addEventListener('keydown', hear, true);
  try {
    await dialog.launch();
  } finally {
    document.removeEventListener('keydown', hear, true);
  }
}

/**
 * JupyterLab's dialog keeps the focus only among buttons of its own, and hears only keys that are pressed inside. The
 * focus is nobody's when the button or the page that had it is gone.
 */
function keepKeysInside(dialog: Dialog<unknown>, event: KeyboardEvent): void {
  const { activeElement } = document;
  if (event.key === 'Escape' && activeElement === document.body) {
    dialog.reject();
  }
  if (event.key !== 'Tab') {
    return;
  }
  const fields = dialog.node.querySelectorAll<HTMLElement>(
    'a[href], button:enabled, input:enabled, select:enabled, summary, textarea:enabled'
  );
  const visible = [...fields].filter(field => field.checkVisibility());
  const [end, beginning] = event.shiftKey
    ? [visible.at(0), visible.at(-1)]
    : [visible.at(-1), visible.at(0)];
  const isInside = activeElement !== dialog.node && dialog.node.contains(activeElement);
  if (!isInside || activeElement === end) {
    event.preventDefault();
    beginning?.focus();
  }
}

class FormBody extends ReactWidget {
  constructor(render: () => React.JSX.Element) {
    super();
    this._render = render;
  }

  protected override render(): React.JSX.Element {
    return this._render();
  }

  private readonly _render: () => React.JSX.Element;
}

interface IFormPageProps {
  /** What tells this page from the others of its dialog: each begins with the focus on its first field. */
  readonly name: string;
  readonly children: React.ReactNode;
  /** The last of them is of type `submit`, if any. */
  readonly buttons: React.ReactNode;
  readonly onSubmit?: () => void;
}

export function FormPage({ name, children, buttons, onSubmit }: IFormPageProps): React.JSX.Element {
  const form = React.useRef<HTMLFormElement>(null);
  // Before anything is drawn: a key pressed meanwhile would reach neither page.
  React.useLayoutEffect(() => {
    form.current?.querySelector<HTMLElement>('[data-wt-first]')?.focus();
  }, [name]);
  return (
    <form
      ref={form}
      className="jp-wt-Form"
      onSubmit={event => {
        event.preventDefault();
        onSubmit?.();
      }}
    >
      <div className="jp-wt-Form-fields">{children}</div>
      <div className="jp-wt-Form-buttons">{buttons}</div>
    </form>
  );
}

interface IButtonProps {
  readonly label: string;
  readonly kind: 'accept' | 'reject';
  readonly disabled?: boolean;
  readonly first?: boolean;
  /** Left out: it submits the form. */
  readonly onClick?: () => void;
}

export function FormButton(props: IButtonProps): React.JSX.Element {
  const { label, kind, disabled = false, first, onClick } = props;
  return (
    <button
      type={onClick === undefined ? 'submit' : 'button'}
      className={`jp-Dialog-button jp-mod-styled jp-mod-${kind}`}
      disabled={disabled}
      data-wt-first={first}
      onClick={onClick}
    >
      <span className="jp-Dialog-buttonLabel">{label}</span>
    </button>
  );
}

interface IFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly children: React.JSX.Element;
}

/** A field with its name above it. */
export function Field({ label, hint, children }: IFieldProps): React.JSX.Element {
  return (
    <label className="jp-wt-Field">
      <span className="jp-wt-Field-label">{label}</span>
      {children}
      {hint !== undefined && <span className="jp-wt-Field-hint">{hint}</span>}
    </label>
  );
}

interface ICheckboxProps {
  readonly label: string;
  readonly hint?: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Checkbox({ label, hint, checked, onChange }: ICheckboxProps): React.JSX.Element {
  return (
    <label className="jp-wt-Checkbox">
      <input
        type="checkbox"
        checked={checked}
        onChange={event => {
          onChange(event.target.checked);
        }}
      />
      <span>
        {label}
        {hint !== undefined && <span className="jp-wt-Field-hint">{hint}</span>}
      </span>
    </label>
  );
}

/** What went wrong, read out when it appears. */
export function ErrorLine({ text }: { readonly text: string }): React.JSX.Element {
  return (
    <p className="jp-wt-Form-error" role="alert">
      {text}
    </p>
  );
}

/** Something goes on, and nobody knows for how long. */
export function Waiting({ text }: { readonly text: string }): React.JSX.Element {
  return (
    <div className="jp-wt-Waiting">
      <div className="jp-wt-Progress" role="progressbar" aria-label={text}>
        <div className="jp-wt-Progress-bar" data-indeterminate="true" />
      </div>
      <p role="status">{text}</p>
    </div>
  );
}
