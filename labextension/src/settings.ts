/**
 * What a person chose in the Settings Editor, as the server takes it, and how it gets there. schema/settings.json
 * has the fields.
 */

import { ServerConnection } from '@jupyterlab/services';
import { JSONExt } from '@lumino/coreutils';
import type { ReadonlyPartialJSONObject, ReadonlyPartialJSONValue } from '@lumino/coreutils';

import type { TransferApi } from './api';
import { isLoggedOut, isMissing } from './api';
import type { ISettings } from './schema';

/** The plugin whose settings they are. */
export const SETTINGS_ID = 'jupyter-webtorrent:settings';

/** null for whatever was not chosen: that is as the server is configured. */
export function chosenSettings(composite: ReadonlyPartialJSONObject): ISettings {
  const hours = chosenNumber(composite['seedHours']);
  return {
    trackers: chosenList(composite['trackers']),
    download_folder: chosenFolder(composite),
    listen_port: chosenNumber(composite['listenPort']),
    down_limit: chosenRate(composite['downLimit']),
    up_limit: chosenRate(composite['upLimit']),
    limit_lan: chosenSwitch(composite['limitLan']),
    lan_discovery: chosenSwitch(composite['lanDiscovery']),
    dht: chosenSwitch(composite['dht']),
    port_mapping: chosenSwitch(composite['portMapping']),
    seed_ratio: chosenNumber(composite['seedRatio']),
    seed_seconds: hours === null ? null : hours * 3600
  };
}

/** Where downloads go, relative to the folder that Jupyter serves. */
export function chosenFolder(composite: ReadonlyPartialJSONObject): string | null {
  const folder = composite['downloadFolder'];
  return typeof folder === 'string' && folder.trim() !== '' ? folder.trim() : null;
}

/**
 * Sees to it that the server holds what is chosen, one request after the other. The Settings Editor alone chooses: what
 * the server holds otherwise is what an earlier page could not change.
 */
export class SettingsKeeper {
  constructor(private readonly _api: Pick<TransferApi, 'chosenSettings' | 'applySettings'>) {}

  /**
   * Resolves once the server holds all that it takes of what was chosen last: to why it does not hold the rest. One
   * choice that is refused keeps no other from being held.
   */
  apply(chosen: ISettings): Promise<readonly unknown[]> {
    this._wanted = chosen;
    this._turn = this._turn.then(() => this._bring(chosen));
    return this._turn;
  }

  private async _bring(chosen: ISettings): Promise<readonly unknown[]> {
    // The Settings Editor saves with every key that is struck, and some of it changes nothing here.
    if (chosen !== this._wanted || isSame(chosen, this._tried)) {
      return this._refusals;
    }
    this._tried = undefined;
    try {
      this._held ??= await this._api.chosenSettings();
      this._refusals = await this._change(this._held, chosen);
      this._tried = chosen;
    } catch (error) {
      // Nobody knows what the server holds now.
      this._held = undefined;
      // Where there is no extension, there is nothing to choose.
      this._refusals = isMissing(error) ? [] : [error];
    }
    return this._refusals;
  }

  private async _change(held: ISettings, chosen: ISettings): Promise<unknown[]> {
    const names = Object.keys(chosen) as (keyof ISettings)[];
    const changed = names.filter(name => !JSONExt.deepEqual(held[name], chosen[name]));
    if (changed.length === 0) {
      return [];
    }
    const refusal = await this._put(chosen);
    if (refusal === undefined) {
      return [];
    }
    if (changed.length === 1) {
      return [refusal];
    }
    const refusals: unknown[] = [];
    for (const name of changed) {
      const alone = await this._put({ ...(this._held ?? held), [name]: chosen[name] });
      if (alone !== undefined) {
        refusals.push(alone);
      }
    }
    return refusals;
  }

  /** Resolves to why it was refused; rejects if it was not even read. */
  private async _put(settings: ISettings): Promise<unknown> {
    try {
      await this._api.applySettings(settings);
      this._held = settings;
      return undefined;
    } catch (error) {
      if (isRefusal(error)) {
        return error;
      }
      throw error;
    }
  }

  private _turn: Promise<readonly unknown[]> = Promise.resolve([]);
  private _wanted: ISettings | undefined;
  /** What was brought last, wholly or but for `_refusals`. */
  private _tried: ISettings | undefined;
  private _held: ISettings | undefined;
  private _refusals: readonly unknown[] = [];
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof ServerConnection.ResponseError &&
    error.response.status < 500 &&
    !isLoggedOut(error)
  );
}

function isSame(one: ISettings, other: ISettings | undefined): boolean {
  return other !== undefined && JSONExt.deepEqual({ ...one }, { ...other });
}

function chosenList(value: ReadonlyPartialJSONValue | undefined): string[] | null {
  const items = Array.isArray(value) ? value.map(item => String(item).trim()).filter(Boolean) : [];
  return items.length > 0 ? items : null;
}

function chosenNumber(value: ReadonlyPartialJSONValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

/** kB/s as bytes per second. */
function chosenRate(value: ReadonlyPartialJSONValue | undefined): number | null {
  const rate = chosenNumber(value);
  return rate === null ? null : Math.round(rate * 1000);
}

function chosenSwitch(value: ReadonlyPartialJSONValue | undefined): boolean | null {
  return value === 'on' ? true : value === 'off' ? false : null;
}
