/** From a link to a download: ask for the link, show what it leads to, let files and a folder be chosen. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { encodeFile } from '../desktop';
import { errorLine } from '../errors';
import { displayName, formatBytes } from '../format';
import type { TorrentPreview, TorrentSource } from '../linkpreview';
import type { IFileStatus, ITransferStatus } from '../schema';
import { FileChoice } from './FileChoice';
import { ErrorLine, Field, FormButton, FormPage, Waiting } from './FormDialog';

/** Milliseconds after which a person is told that nobody has answered. */
const PATIENCE = 10_000;

/** What the dialog needs of the world around it. */
export interface IFetchDialogOptions {
  readonly trans: TranslationBundle;
  /** What to look at; undefined: ask for it. */
  readonly source: TorrentSource | undefined;
  /** Relative to the folder that Jupyter serves. */
  readonly folder: string;
  readonly preview: (source: TorrentSource) => TorrentPreview;
  /** Folders below one, for suggestions. */
  readonly subfolders: (folder: string) => Promise<readonly string[]>;
  readonly show: (infoHash: string) => void;
}

interface IFetchDialogProps extends IFetchDialogOptions {
  readonly close: () => void;
}

export function FetchDialog(props: IFetchDialogProps): React.JSX.Element {
  const { preview, trans, close } = props;
  const [link, setLink] = React.useState(props.source?.link ?? '');
  const [current, setCurrent] = React.useState(() => props.source && preview(props.source));
  const [looks, setLooks] = React.useState(0);
  React.useEffect(() => () => current?.dispose(), [current]);
  const askForLink = (error: string): React.JSX.Element => (
    <LinkPage
      link={link}
      error={error}
      trans={trans}
      close={close}
      setLink={setLink}
      look={source => {
        setCurrent(preview(source));
        setLooks(looks + 1);
      }}
    />
  );

  if (current === undefined) {
    return askForLink('');
  }
  return (
    // UseSignal listens to the signal that it was mounted with.
    <UseSignal key={looks} signal={current.changed}>
      {() => {
        const { state } = current;
        switch (state.kind) {
          case 'looking':
            return <LookingPage transfer={state.transfer} trans={trans} close={close} />;
          case 'ready':
            return <FilesPage {...props} {...state} preview={current} />;
          case 'here':
            return <HerePage {...props} transfer={state.transfer} />;
          case 'failed':
            return askForLink(errorLine(state.error, trans));
        }
      }}
    </UseSignal>
  );
}

interface ILinkPageProps {
  readonly link: string;
  readonly error: string;
  readonly trans: TranslationBundle;
  readonly close: () => void;
  readonly setLink: (link: string) => void;
  readonly look: (source: TorrentSource) => void;
}

function LinkPage(props: ILinkPageProps): React.JSX.Element {
  const { link, error, trans, close, setLink, look } = props;
  const chooser = React.useRef<HTMLInputElement>(null);
  const [unread, setUnread] = React.useState('');
  const mistake = unread || error;
  const choose = async (file: File): Promise<void> => {
    try {
      look({ link: '', metainfo: await encodeFile(file) });
    } catch (reason) {
      setUnread(errorLine(reason, trans));
    }
  };
  return (
    <FormPage
      name="link"
      buttons={
        <>
          <FormButton kind="reject" label={trans.__('Cancel')} onClick={close} />
          <FormButton kind="accept" label={trans.__('Next')} disabled={link.trim() === ''} />
        </>
      }
      onSubmit={() => {
        look({ link: link.trim() });
      }}
    >
      <Field
        label={trans.__('Link')}
        hint={trans.__(
          'A magnet link, an info hash, or the address of a .torrent file. Nothing is fetched before you have seen what it is.'
        )}
      >
        <input
          type="text"
          className="jp-mod-styled"
          value={link}
          placeholder="magnet:?xt=urn:btih:…"
          spellCheck={false}
          autoComplete="off"
          aria-invalid={mistake !== ''}
          data-wt-first
          onChange={event => {
            setLink(event.target.value);
          }}
        />
      </Field>
      {mistake !== '' && <ErrorLine text={mistake} />}
      <div>
        <button type="button" className="jp-wt-LinkButton" onClick={() => chooser.current?.click()}>
          {trans.__('Choose a .torrent file of this computer…')}
        </button>
        <input
          ref={chooser}
          type="file"
          hidden
          accept=".torrent,application/x-bittorrent"
          aria-label={trans.__('.torrent file')}
          onChange={event => {
            const file = event.target.files?.[0];
            if (file !== undefined) {
              void choose(file);
            }
          }}
        />
      </div>
    </FormPage>
  );
}

interface ILookingPageProps {
  readonly transfer: ITransferStatus | undefined;
  readonly trans: TranslationBundle;
  readonly close: () => void;
}

function LookingPage({ transfer, trans, close }: ILookingPageProps): React.JSX.Element {
  const [late, setLate] = React.useState(false);
  React.useEffect(() => {
    const timer = setTimeout(() => {
      setLate(true);
    }, PATIENCE);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  const name = displayName(transfer?.name ?? '');
  const notice = displayName(transfer?.notice ?? '');
  return (
    <FormPage
      name="looking"
      buttons={<FormButton kind="reject" label={trans.__('Cancel')} first onClick={close} />}
    >
      {name !== '' && <h3 className="jp-wt-Form-name">{name}</h3>}
      <Waiting text={trans.__('Looking for somebody who has it, to see what files there are…')} />
      {late && (
        <p role="status">
          {(transfer?.peers ?? 0) > 0
            ? trans.__('Somebody is there, but has not sent the list of files yet.')
            : trans.__('Nobody has answered yet. It goes on looking until you cancel.')}
        </p>
      )}
      {late && notice !== '' && <p className="jp-wt-Field-hint">{notice}</p>}
    </FormPage>
  );
}

interface IFilesPageProps extends Omit<IFetchDialogProps, 'preview'> {
  readonly preview: TorrentPreview;
  readonly transfer: ITransferStatus;
  readonly files: readonly IFileStatus[];
}

function FilesPage(props: IFilesPageProps): React.JSX.Element {
  const { preview, transfer, files, trans, close, show } = props;
  const [chosen, setChosen] = React.useState<ReadonlySet<number>>(
    () => new Set(files.map(({ index }) => index))
  );
  const [folder, setFolder] = React.useState(props.folder);
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState('');
  const fetch = async (): Promise<void> => {
    setBusy(true);
    try {
      const all = chosen.size === files.length;
      const { info_hash } = await preview.fetch(folder.trim() || '.', all ? [] : [...chosen]);
      close();
      show(info_hash);
    } catch (reason) {
      setError(errorLine(reason, trans));
      setBusy(false);
    }
  };
  const size = files.reduce((sum, { length }) => sum + length, 0);
  return (
    <FormPage
      name="files"
      buttons={
        <>
          <FormButton kind="reject" label={trans.__('Cancel')} onClick={close} />
          <FormButton
            kind="accept"
            label={trans.__('Fetch')}
            first
            disabled={busy || chosen.size === 0}
          />
        </>
      }
      onSubmit={() => {
        if (!busy && chosen.size > 0) {
          void fetch();
        }
      }}
    >
      <h3 className="jp-wt-Form-name">
        <bdi>{displayName(transfer.name) || transfer.info_hash}</bdi>
        <span>{formatBytes(size)}</span>
      </h3>
      <FileChoice files={files} chosen={chosen} onChange={setChosen} trans={trans} />
      <FolderField
        folder={folder}
        setFolder={setFolder}
        subfolders={props.subfolders}
        trans={trans}
      />
      {error !== '' && <ErrorLine text={error} />}
    </FormPage>
  );
}

interface IFolderFieldProps {
  readonly folder: string;
  readonly setFolder: (folder: string) => void;
  readonly subfolders: (folder: string) => Promise<readonly string[]>;
  readonly trans: TranslationBundle;
}

/** A path with suggestions: JupyterLab shows one dialog at a time, so its file browser cannot open above this one. */
function FolderField(props: IFolderFieldProps): React.JSX.Element {
  const { folder, setFolder, subfolders, trans } = props;
  const [suggestions, setSuggestions] = React.useState<readonly string[]>([]);
  const parent = folder.slice(0, folder.lastIndexOf('/') + 1);
  const list = React.useId();
  React.useEffect(() => {
    let current = true;
    void subfolders(parent).then(found => {
      if (current) {
        setSuggestions(found);
      }
    });
    return () => {
      current = false;
    };
  }, [parent, subfolders]);
  return (
    <Field
      label={trans.__('Into the folder')}
      hint={trans.__('Of the folder that Jupyter serves. It is made if it is not there.')}
    >
      <>
        <input
          type="text"
          className="jp-mod-styled"
          value={folder}
          placeholder={trans.__('The folder that Jupyter serves')}
          list={list}
          spellCheck={false}
          onChange={event => {
            setFolder(event.target.value);
          }}
        />
        <datalist id={list}>
          {suggestions.map(path => (
            <option key={path} value={path} />
          ))}
        </datalist>
      </>
    </Field>
  );
}

interface IHerePageProps {
  readonly transfer: ITransferStatus;
  readonly trans: TranslationBundle;
  readonly close: () => void;
  readonly show: (infoHash: string) => void;
}

function HerePage({ transfer, trans, close, show }: IHerePageProps): React.JSX.Element {
  return (
    <FormPage
      name="here"
      buttons={
        <>
          <FormButton kind="reject" label={trans.__('Close')} onClick={close} />
          <FormButton kind="accept" label={trans.__('Show')} first />
        </>
      }
      onSubmit={() => {
        close();
        show(transfer.info_hash);
      }}
    >
      <h3 className="jp-wt-Form-name">
        <bdi>{displayName(transfer.name) || transfer.info_hash}</bdi>
      </h3>
      <p role="status">
        {transfer.shared
          ? trans.__('This is shared from here already.')
          : trans.__('This is among the transfers already.')}
      </p>
    </FormPage>
  );
}
