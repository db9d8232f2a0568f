/** Brings what a person chose in the Settings Editor to the server, when it starts and when it changes. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { JSONExt } from '@lumino/coreutils';

import { notifyError } from '../errors';
import type { ISettings } from '../schema';
import { SETTINGS_ID, chosenSettings, isAnyChosen } from '../settings';
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
    let applied: ISettings | undefined;
    const apply = async (settings: ISettingRegistry.ISettings): Promise<void> => {
      const chosen = chosenSettings(settings.composite);
      // The Settings Editor saves with every key that is struck, and most of them change nothing here.
      if (applied === undefined ? !isAnyChosen(chosen) : isSame(applied, chosen)) {
        applied = chosen;
        return;
      }
      applied = chosen;
      try {
        await api.applySettings(chosen);
      } catch (error) {
        notifyError(error, trans);
      }
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

function isSame(one: ISettings, other: ISettings): boolean {
  return JSONExt.deepEqual({ ...one }, { ...other });
}
