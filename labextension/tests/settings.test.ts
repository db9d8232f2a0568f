import schema from '../schema/settings.json';
import { chosenFolder, chosenSettings, isAnyChosen } from '../src/settings';

const DEFAULTS = Object.fromEntries(
  Object.entries(schema.properties).map(([name, { default: value }]) => [name, value])
);

describe('the settings', () => {
  it('leave everything to the server until something is chosen', () => {
    expect(isAnyChosen(chosenSettings(DEFAULTS))).toBe(false);
    expect(isAnyChosen(chosenSettings({}))).toBe(false);
  });

  it('go to the server in its units', () => {
    const chosen = chosenSettings({
      ...DEFAULTS,
      trackers: [' wss://example.org ', ''],
      downloadFolder: ' data ',
      downLimit: 1.5,
      upLimit: 0,
      limitLan: 'on',
      dht: 'off',
      listenPort: 6881,
      seedRatio: 2,
      seedHours: 0.5
    });
    expect(chosen).toEqual({
      trackers: ['wss://example.org'],
      download_folder: 'data',
      listen_port: 6881,
      down_limit: 1500,
      up_limit: 0,
      limit_lan: true,
      lan_discovery: null,
      dht: false,
      port_mapping: null,
      seed_ratio: 2,
      seed_seconds: 1800
    });
    expect(isAnyChosen(chosen)).toBe(true);
  });

  it('name no folder by spaces', () => {
    expect(chosenFolder({ downloadFolder: '  ' })).toBeNull();
  });
});
