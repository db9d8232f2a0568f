/** One line for a person of whatever an API call was rejected with. */

import { Notification } from '@jupyterlab/apputils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { displayName } from './format';

export function errorLine(error: unknown, trans: TranslationBundle): string {
  if (error instanceof ServerConnection.NetworkError) {
    return trans.__('The Jupyter server does not answer.');
  }
  return displayName(error instanceof Error ? error.message : String(error));
}

/** For calls that no dialog waits for. */
export function notifyError(error: unknown, trans: TranslationBundle): void {
  Notification.error(errorLine(error, trans), { autoClose: false });
}
