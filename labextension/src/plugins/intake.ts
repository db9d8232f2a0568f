/** What is pasted or dropped onto the panel: links and .torrent files are fetched, other files are shared. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Drag } from '@lumino/dragdrop';

import { CommandIDs } from '../commands';
import type { IDroppedFile } from '../desktop';
import { encodeFile, readDrop } from '../desktop';
import { openShareDialog, uploadOf } from '../dialogs';
import { notifyError } from '../errors';
import { linkIn } from '../links';
import { ITransferApi, ITransfersPanel } from '../tokens';

/** Paths that are dragged from JupyterLab's file browser. */
const CONTENTS_MIME = 'application/x-jupyter-icontents';

/** JupyterLab's drags are events of its own. */
type LuminoDrag = Event & Pick<Drag.Event, 'mimeData' | 'proposedAction' | 'dropAction'>;

const DROP_CLASS = 'jp-wt-mod-dropTarget';

export const intakePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-webtorrent:intake',
  description: 'Fetches or shares what is pasted or dropped onto the panel.',
  autoStart: true,
  requires: [ITransferApi, ITransfersPanel],
  optional: [ITranslator, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    api: ITransferApi,
    panel: ITransfersPanel,
    translator: ITranslator | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const { commands } = app;
    const { contents } = app.serviceManager;
    const { node } = panel;
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const fetch = (args: { link: string } | { metainfo: string }): void => {
      void commands.execute(CommandIDs.fetch, args);
    };
    const takeFiles = async (files: readonly IDroppedFile[]): Promise<void> => {
      const [first] = files;
      if (first === undefined) {
        Notification.info(trans.__('There is no file in what was dropped.'));
        return;
      }
      const { file, folder } = first;
      if (files.length === 1 && folder === '' && isTorrent(file.name)) {
        fetch({ metainfo: await encodeFile(file) });
      } else {
        const target = contents.localPath(browser?.model.path ?? '');
        await openShareDialog(api, trans, uploadOf(files, target, contents, trans));
      }
    };
    const takePaths = (dragged: readonly string[]): void => {
      const paths = dragged.map(path => contents.localPath(path));
      const [first] = paths;
      if (first !== undefined && paths.length === 1 && isTorrent(first)) {
        fetch({ link: first });
      } else {
        void commands.execute(CommandIDs.share, { paths });
      }
    };
    const highlight = (on: boolean): void => {
      node.classList.toggle(DROP_CLASS, on);
    };

    // A click anywhere in the panel gives it the focus, so that a paste is meant for it.
    node.tabIndex = -1;
    document.addEventListener('paste', event => {
      const focused = document.activeElement;
      if (focused === null || !node.contains(focused) || isWrittenIn(focused)) {
        return;
      }
      const link = linkIn(event.clipboardData?.getData('text/plain') ?? '');
      if (link !== undefined) {
        event.preventDefault();
        fetch({ link });
      }
    });

    node.addEventListener('dragover', event => {
      if (event.dataTransfer !== null && isWelcome(event.dataTransfer)) {
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
        highlight(true);
      }
    });
    node.addEventListener('dragleave', event => {
      highlight(event.relatedTarget instanceof Node && node.contains(event.relatedTarget));
    });
    node.addEventListener('drop', event => {
      highlight(false);
      if (event.dataTransfer === null || !isWelcome(event.dataTransfer)) {
        return;
      }
      event.preventDefault();
      if (event.dataTransfer.types.includes('Files')) {
        readDrop(event.dataTransfer.items)
          .then(takeFiles)
          .catch((error: unknown) => {
            notifyError(error, trans);
          });
        return;
      }
      const link = linkIn(event.dataTransfer.getData('text/plain'));
      if (link !== undefined) {
        fetch({ link });
      }
    });

    // Its file browser is at the same side, as a rule: the panel comes to the front for what is dragged to its tab.
    const comeToTheFront = ({ target }: Event): void => {
      if (target instanceof Element && target.closest(`[data-id="${panel.id}"]`) !== null) {
        app.shell.activateById(panel.id);
      }
    };
    document.addEventListener('dragenter', comeToTheFront);
    document.addEventListener('lm-dragenter', comeToTheFront);

    const onLuminoDrag = (event: LuminoDrag): void => {
      if (!event.mimeData.hasData(CONTENTS_MIME)) {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      highlight(event.type === 'lm-dragenter' || event.type === 'lm-dragover');
      if (event.type === 'lm-dragover') {
        event.dropAction = event.proposedAction;
      } else if (event.type === 'lm-drop') {
        event.dropAction = event.proposedAction;
        takePaths(event.mimeData.getData(CONTENTS_MIME) as string[]);
      }
    };
    for (const type of ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop']) {
      node.addEventListener(type, event => {
        onLuminoDrag(event as LuminoDrag);
      });
    }
  }
};

function isTorrent(name: string): boolean {
  return name.toLowerCase().endsWith('.torrent');
}

/** Whether a paste is meant for that element; nobody filters by a link. */
function isWrittenIn(element: Element): boolean {
  return (
    (element instanceof HTMLInputElement && !element.readOnly && element.type !== 'search') ||
    element instanceof HTMLTextAreaElement ||
    (element instanceof HTMLElement && element.isContentEditable)
  );
}

/** Which text it is, a browser tells only when it is dropped. */
function isWelcome({ types }: DataTransfer): boolean {
  return types.includes('Files') || types.includes('text/plain');
}
