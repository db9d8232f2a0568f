/** One line for a person of whatever an API call was rejected with. */

import { Notification } from '@jupyterlab/apputils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { isLoggedOut } from './api';
import { displayName } from './format';

export function errorLine(error: unknown, trans: TranslationBundle): string {
  if (error instanceof ServerConnection.NetworkError) {
    return trans.__('The Jupyter server does not answer.');
  }
  if (isLoggedOut(error)) {
    return loggedOutLine(trans);
  }
  return displayName(error instanceof Error ? error.message : String(error));
}

/** What a person does about a login that no longer holds. */
export function loggedOutLine(trans: TranslationBundle): string {
  return trans.__('You are no longer logged in: reload the page.');
}

/** For calls that no dialog waits for. */
export function notifyError(error: unknown, trans: TranslationBundle): void {
  Notification.error(errorLine(error, trans), { autoClose: false });
}
