/** What a person chose in the Settings Editor, as the server takes it. schema/settings.json has the fields. */

import type { ReadonlyPartialJSONObject, ReadonlyPartialJSONValue } from '@lumino/coreutils';

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

export function isAnyChosen(settings: ISettings): boolean {
  return Object.values(settings).some(value => value !== null);
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
