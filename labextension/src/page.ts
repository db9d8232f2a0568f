/** What kind of page this is: JupyterLab holds many documents, a page of Notebook 7 one. */

import { PageConfig } from '@jupyterlab/coreutils';

/** `notebooks`, `edit` or `tree`, as Notebook 7 calls its pages; empty in JupyterLab. */
function kindOfPage(): string {
  return PageConfig.getOption('notebookPage');
}

/** Whether the main area takes anything beyond what it was opened with. */
export function hasRoom(): boolean {
  return kindOfPage() === '';
}

/** Leave a page that was opened for nothing but a document that is done with. */
export function leaveDocumentPage(): void {
  if (['', 'tree'].includes(kindOfPage())) {
    return;
  }
  window.close();
  // A browser closes only what a script has opened.
  window.location.replace(`${PageConfig.getBaseUrl()}tree`);
}
