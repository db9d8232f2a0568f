/** Brings what a person chose in the Settings Editor to the server, when it starts and when it changes. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { errorLine, notifyError } from '../errors';
import { SETTINGS_ID, SettingsKeeper, chosenSettings } from '../settings';
import { ITransferApi } from '../tokens';

export const settingsPlugin: JupyterFrontEndPlugin<void> = {
  id: SETTINGS_ID,
  description: 'Applies what is chosen in the Settings Editor.',
  autoStart: true,
  requires: [ITransferApi, ISettingRegistry],
  optional: [ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    api: ITransferApi,
    registry: ISettingRegistry,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_webtorrent');
    const keeper = new SettingsKeeper(api);
    let told = '';
    /** Keep one notification in view for as long as anything is refused. */
    const tell = (errors: readonly unknown[]): void => {
      const message = [...new Set(errors.map(error => errorLine(error, trans)))].join(' ');
      if (message === '') {
        if (told !== '') {
          Notification.dismiss(told);
          told = '';
        }
      } else if (!Notification.update({ id: told, message, type: 'error', autoClose: false })) {
        told = Notification.error(message, { autoClose: false });
      }
    };
    const apply = async ({ composite }: ISettingRegistry.ISettings): Promise<void> => {
      tell(await keeper.apply(chosenSettings(composite)));
    };
    registry
      .load(SETTINGS_ID)
      .then(settings => {
        settings.changed.connect(() => void apply(settings));
        return apply(settings);
      })
      .catch((error: unknown) => {
        notifyError(error, trans);
      });
  }
};
