/** From files to a link: what is shared and how, the wait while it is hashed, then the link to pass on. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { errorLine } from '../errors';
import { displayName, formatBytes } from '../format';
import type { IShareRequest, ITransferStatus } from '../schema';
import type { IShareFields } from '../sharing';
import { defaultName, mayHoldNotebooks, shareRequest } from '../sharing';
import { Checkbox, ErrorLine, Field, FormButton, FormPage, Waiting } from './FormDialog';
import { LinkCard } from './LinkCard';

/** Names that are listed one by one. */
const LISTED = 5;

/** Files of the person's computer that have to be uploaded first. */
export interface IUpload {
  readonly names: readonly string[];
  readonly bytes: number;
  /** Where they go, relative to the folder that Jupyter serves; '' for that folder. */
  readonly folder: string;
  /** Resolves to the paths that are to be shared; `progress` is told the bytes that are there. */
  run(signal: AbortSignal, progress: (bytes: number) => void): Promise<readonly string[]>;
}

/** What the dialog needs of the world around it. */
export interface IShareDialogOptions {
  readonly trans: TranslationBundle;
  /** Relative to the folder that Jupyter serves, or what is to be uploaded. */
  readonly what: readonly string[] | IUpload;
  readonly share: (request: IShareRequest) => Promise<ITransferStatus>;
  /** What became of a share whose dialog was closed meanwhile. */
  readonly tellShared: (transfer: ITransferStatus) => void;
  readonly tellFailed: (error: unknown) => void;
  readonly metainfoUrl: (infoHash: string) => string;
  readonly copy: (text: string) => void;
}

interface IShareDialogProps extends IShareDialogOptions {
  readonly close: () => void;
}

type Step =
  | { readonly kind: 'asking'; readonly error: string }
  | { readonly kind: 'uploading'; readonly bytes: number }
  | { readonly kind: 'hashing' }
  | { readonly kind: 'shared'; readonly transfer: ITransferStatus };

export function ShareDialog(props: IShareDialogProps): React.JSX.Element {
  const { what, trans, share, tellShared, tellFailed, close } = props;
  const [step, setStep] = React.useState<Step>({ kind: 'asking', error: '' });
  const names = 'run' in what ? what.names : what;
  const [fields, setFields] = React.useState<IShareFields>(() => ({
    name: defaultName(names),
    private: false,
    trackers: '',
    ratio: '',
    hours: ''
  }));
  const stop = React.useRef(new AbortController());
  React.useEffect(() => {
    const { current } = stop;
    return () => {
      current.abort();
    };
  }, []);

  const begin = async (): Promise<void> => {
    const { signal } = stop.current;
    const isClosed = (): boolean => signal.aborted;
    let isUploaded = false;
    try {
      let paths = names;
      if ('run' in what) {
        const upload = (bytes: number): void => {
          setStep({ kind: 'uploading', bytes });
        };
        upload(0);
        paths = await what.run(signal, upload);
      }
      isUploaded = true;
      setStep({ kind: 'hashing' });
      const transfer = await share(shareRequest(paths, fields));
      if (isClosed()) {
        tellShared(transfer);
      } else {
        setStep({ kind: 'shared', transfer });
      }
    } catch (error) {
      if (!isClosed()) {
        setStep({ kind: 'asking', error: errorLine(error, trans) });
      } else if (isUploaded) {
        tellFailed(error);
      }
    }
  };

  switch (step.kind) {
    case 'asking':
      return (
        <AskingPage
          {...props}
          names={names}
          fields={fields}
          error={step.error}
          setFields={setFields}
          begin={() => {
            void begin();
          }}
        />
      );
    case 'uploading':
      return (
        <FormPage
          name="uploading"
          buttons={<FormButton kind="reject" label={trans.__('Cancel')} first onClick={close} />}
        >
          <Names names={names} trans={trans} />
          <Waiting
            text={trans.__('Uploading to the Jupyter server: %1', formatBytes(step.bytes))}
          />
        </FormPage>
      );
    case 'hashing':
      return (
        <FormPage
          name="hashing"
          buttons={<FormButton kind="reject" label={trans.__('Close')} first onClick={close} />}
        >
          <Names names={names} trans={trans} />
          <Waiting text={trans.__('Reading the files to make the link…')} />
          <p className="jp-wt-Field-hint">
            {trans.__('You may close this: it goes on, and the panel will have the link.')}
          </p>
        </FormPage>
      );
    case 'shared':
      return (
        <FormPage
          name="shared"
          buttons={<FormButton kind="accept" label={trans.__('Done')} onClick={close} />}
        >
          <LinkCard
            transfer={step.transfer}
            metainfoUrl={props.metainfoUrl(step.transfer.info_hash)}
            copy={props.copy}
            trans={trans}
          />
        </FormPage>
      );
  }
}

interface IAskingPageProps extends IShareDialogProps {
  readonly names: readonly string[];
  readonly fields: IShareFields;
  readonly error: string;
  readonly setFields: (fields: IShareFields) => void;
  readonly begin: () => void;
}

function AskingPage(props: IAskingPageProps): React.JSX.Element {
  const { what, names, fields, error, trans, close, setFields, begin } = props;
  const text = (
    key: 'name' | 'trackers' | 'ratio' | 'hours'
  ): {
    value: string;
    onChange: React.ChangeEventHandler<HTMLInputElement | HTMLTextAreaElement>;
  } => ({
    value: fields[key],
    onChange: event => {
      setFields({ ...fields, [key]: event.target.value });
    }
  });
  return (
    <FormPage
      name="asking"
      buttons={
        <>
          <FormButton kind="reject" label={trans.__('Cancel')} onClick={close} />
          <FormButton kind="accept" label={trans.__('Share')} first />
        </>
      }
      onSubmit={begin}
    >
      <Names names={names} trans={trans} />
      {'run' in what && (
        <p>
          {what.folder === ''
            ? trans.__('%1 are uploaded to the Jupyter server first.', formatBytes(what.bytes))
            : trans.__(
                '%1 are uploaded to %2 on the Jupyter server first.',
                formatBytes(what.bytes),
                displayName(what.folder)
              )}
        </p>
      )}
      {mayHoldNotebooks(names) && (
        <p className="jp-wt-Field-hint">
          {trans.__('Notebooks are shared as copies of what they are now.')}
        </p>
      )}
      {error !== '' && <ErrorLine text={error} />}
      <details
        className="jp-wt-Options"
        onInvalidCapture={event => {
          // What is wrong is told beside the field, which must be in view for that.
          event.currentTarget.open = true;
        }}
      >
        <summary>{trans.__('Options')}</summary>
        <Field label={trans.__('Name')}>
          <input type="text" className="jp-mod-styled" {...text('name')} />
        </Field>
        <Field
          label={trans.__('Trackers')}
          hint={trans.__('One a line. Left empty: those of the server.')}
        >
          <textarea
            className="jp-mod-styled"
            rows={2}
            placeholder="wss://tracker.example.org/announce"
            spellCheck={false}
            {...text('trackers')}
          />
        </Field>
        <Checkbox
          label={trans.__('Private')}
          hint={trans.__('Peers find each other by the trackers alone.')}
          checked={fields.private}
          onChange={checked => {
            setFields({ ...fields, private: checked });
          }}
        />
        <div className="jp-wt-Goals">
          <Field label={trans.__('Pause once it was sent (times)')}>
            <input
              type="number"
              className="jp-mod-styled"
              min="0"
              step="any"
              placeholder={trans.__('Never')}
              {...text('ratio')}
            />
          </Field>
          <Field label={trans.__('Pause after (hours)')}>
            <input
              type="number"
              className="jp-mod-styled"
              min="0"
              step="any"
              placeholder={trans.__('Never')}
              {...text('hours')}
            />
          </Field>
        </div>
      </details>
    </FormPage>
  );
}

interface INamesProps {
  readonly names: readonly string[];
  readonly trans: TranslationBundle;
}

function Names({ names, trans }: INamesProps): React.JSX.Element {
  const more = names.length - LISTED;
  return (
    <ul className="jp-wt-Names" role="list" aria-label={trans.__('What is shared')}>
      {names.slice(0, LISTED).map(name => (
        <li key={name}>
          <bdi>
            {name === '.' ? trans.__('The whole folder that Jupyter serves') : displayName(name)}
          </bdi>
        </li>
      ))}
      {more > 0 && <li>{trans._n('and %1 more', 'and %1 more', more)}</li>}
    </ul>
  );
}
