/** Opens the dialogs, with what they need of the server and of JupyterLab. */

import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { FetchDialog } from './components/FetchDialog';
import { showForm } from './components/FormDialog';
import type { IUpload } from './components/ShareDialog';
import { ShareDialog } from './components/ShareDialog';
import type { IDroppedFile } from './desktop';
import { topLevel } from './desktop';
import { notifyError } from './errors';
import { displayName } from './format';
import type { TorrentSource } from './linkpreview';
import { TorrentPreview } from './linkpreview';
import type { ITransferApi } from './tokens';
import { NameTakenError, Upload, listFolder } from './upload';

/** Ask how these paths, or files of the person's computer, are to be shared; resolves when it is closed. */
export function openShareDialog(
  api: ITransferApi,
  trans: TranslationBundle,
  what: readonly string[] | IUpload
): Promise<void> {
  const copy = (text: string): void => {
    Clipboard.copyToSystem(text);
  };
  return showForm(trans.__('Share with WebTorrent'), close => (
    <ShareDialog
      what={what}
      trans={trans}
      close={close}
      share={request => api.share(request)}
      metainfoUrl={infoHash => api.metainfoUrl(infoHash)}
      copy={copy}
      tellShared={transfer => {
        const name = displayName(transfer.name) || transfer.info_hash;
        const copyLink = {
          label: trans.__('Copy link'),
          callback: () => {
            copy(transfer.magnet);
          }
        };
        Notification.success(trans.__('%1 is shared.', name), {
          actions: [copyLink],
          autoClose: false
        });
      }}
      tellFailed={error => {
        notifyError(error, trans);
      }}
    />
  ));
}

export interface IFetchOptions {
  /** undefined: ask for it. */
  readonly source: TorrentSource | undefined;
  /** Where it is to go unless the person says otherwise. */
  readonly folder: string;
  readonly contents: Contents.IManager;
  /** Bring a transfer to the person's eyes. */
  readonly show: (infoHash: string) => void;
}

/** Ask for a link if none is known, and what of it is to go where; resolves when it is closed. */
export function openFetchDialog(
  api: ITransferApi,
  trans: TranslationBundle,
  options: IFetchOptions
): Promise<void> {
  const subfolders = (folder: string): Promise<string[]> => listFolders(options.contents, folder);
  return showForm(trans.__('Fetch with WebTorrent'), close => (
    <FetchDialog
      trans={trans}
      source={options.source}
      folder={options.folder}
      preview={source => new TorrentPreview(api, source)}
      subfolders={subfolders}
      show={options.show}
      close={close}
    />
  ));
}

/** Dropped files as the share dialog takes them, to be put into `folder`. */
export function uploadOf(
  files: readonly IDroppedFile[],
  folder: string,
  contents: Contents.IManager,
  trans: TranslationBundle
): IUpload {
  const upload = new Upload(files, folder, contents);
  return {
    names: topLevel(files),
    bytes: files.reduce((sum, { file }) => sum + file.size, 0),
    folder,
    run: async (signal, progress) => {
      try {
        return await upload.run(signal, progress);
      } catch (error) {
        if (error instanceof NameTakenError) {
          const name = displayName(error.taken);
          throw new Error(
            trans.__('There is a %1 in that folder already: share it there, or rename one.', name)
          );
        }
        throw error;
      }
    }
  };
}

/** Empty where there is no such folder: it is looked for from the top, as asking for what is not there is an error. */
async function listFolders(contents: Contents.IManager, folder: string): Promise<string[]> {
  try {
    let folders = await foldersIn(contents, '');
    let path = '';
    for (const part of folder.split('/').filter(Boolean)) {
      path = path === '' ? part : `${path}/${part}`;
      folders = folders.includes(path) ? await foldersIn(contents, path) : [];
    }
    return folders;
  } catch {
    return [];
  }
}

async function foldersIn(contents: Contents.IManager, folder: string): Promise<string[]> {
  const items = await listFolder(contents, folder);
  return items.filter(({ type }) => type === 'directory').map(({ path }) => path);
}
