import schema from '../schema/settings.json';
import { ServerConnection } from '@jupyterlab/services';

import type { ISettings } from '../src/schema';
import { SettingsKeeper, chosenFolder, chosenSettings } from '../src/settings';

const DEFAULTS = Object.fromEntries(
  Object.entries(schema.properties).map(([name, { default: value }]) => [name, value])
);

const NOTHING = chosenSettings(DEFAULTS);

describe('the settings', () => {
  it('leave everything to the server until something is chosen', () => {
    expect(Object.values(chosenSettings(DEFAULTS)).every(value => value === null)).toBe(true);
    expect(chosenSettings({})).toEqual(NOTHING);
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
  });

  it('name no folder by spaces', () => {
    expect(chosenFolder({ downloadFolder: '  ' })).toBeNull();
  });
});

/** A server that holds `held`, and refuses what `refuse` gives a reason for. */
class FakeServer {
  constructor(public held: ISettings = NOTHING) {}

  chosenSettings = (): Promise<ISettings> => Promise.resolve(this.held);

  applySettings = (settings: ISettings): Promise<void> => {
    this.requests += 1;
    const error = this.refuse(settings);
    if (error !== undefined) {
      return Promise.reject(error);
    }
    this.held = settings;
    return Promise.resolve();
  };

  refuse: (settings: ISettings) => Error | undefined = () => undefined;
  requests = 0;
}

const REFUSED = new ServerConnection.ResponseError(new Response(null, { status: 400 }), 'no port');

function refusePort({ listen_port }: ISettings): Error | undefined {
  return listen_port === 99_999 ? REFUSED : undefined;
}

describe('the server', () => {
  it('is asked for nothing that it holds already', async () => {
    const server = new FakeServer({ ...NOTHING, trackers: ['wss://a'], dht: true });
    const keeper = new SettingsKeeper(server);
    expect(await keeper.apply({ ...server.held, trackers: ['wss://a'] })).toEqual([]);
    expect(await keeper.apply({ ...server.held })).toEqual([]);
    expect(server.requests).toBe(0);
  });

  it('is told of a reset that an earlier page lost', async () => {
    const server = new FakeServer({ ...NOTHING, down_limit: 250_000 });
    expect(await new SettingsKeeper(server).apply(NOTHING)).toEqual([]);
    expect(server.held).toEqual(NOTHING);
  });

  it('is told again what did not reach it', async () => {
    const server = new FakeServer();
    const keeper = new SettingsKeeper(server);
    const chosen = { ...NOTHING, up_limit: 1 };
    const lost = new ServerConnection.NetworkError(new TypeError('Failed to fetch'));
    server.refuse = () => lost;
    expect(await keeper.apply(chosen)).toEqual([lost]);
    server.refuse = () => undefined;
    expect(await keeper.apply(chosen)).toEqual([]);
    expect(server.held).toEqual(chosen);
  });

  it('holds all but what it refuses', async () => {
    const server = new FakeServer({ ...NOTHING, listen_port: 6881 });
    server.refuse = refusePort;
    const keeper = new SettingsKeeper(server);
    const chosen = { ...NOTHING, listen_port: 99_999, down_limit: 5, dht: false };
    expect(await keeper.apply(chosen)).toEqual([REFUSED]);
    expect(server.held).toEqual({ ...chosen, listen_port: 6881 });
    expect(await keeper.apply({ ...chosen, listen_port: null })).toEqual([]);
    expect(server.held).toEqual({ ...chosen, listen_port: null });
  });

  it('is asked once about what it refuses', async () => {
    const server = new FakeServer();
    server.refuse = refusePort;
    const keeper = new SettingsKeeper(server);
    const chosen = { ...NOTHING, listen_port: 99_999 };
    expect(await keeper.apply(chosen)).toEqual([REFUSED]);
    expect(await keeper.apply({ ...chosen })).toEqual([REFUSED]);
    expect(server.requests).toBe(1);
  });

  it('gets the last of what was chosen quickly, and nothing in between', async () => {
    const server = new FakeServer();
    const keeper = new SettingsKeeper(server);
    const typed = [1, 12, 123].map(down_limit => keeper.apply({ ...NOTHING, down_limit }));
    await Promise.all(typed);
    expect(server.held.down_limit).toBe(123);
    expect(server.requests).toBe(1);
  });

  it('without the extension is told nothing', async () => {
    const server = new FakeServer();
    const missing = new Response(null, { status: 404 });
    server.chosenSettings = () =>
      Promise.reject(new ServerConnection.ResponseError(missing, 'nothing here'));
    expect(await new SettingsKeeper(server).apply({ ...NOTHING, dht: true })).toEqual([]);
    expect(server.requests).toBe(0);
  });
});
