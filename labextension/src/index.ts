/** The plugins of the extension, and nothing else. */

import { commandsPlugin } from './plugins/commands';
import { fetchPlugin } from './plugins/fetch';
import { intakePlugin } from './plugins/intake';
import { notificationsPlugin } from './plugins/notifications';
import { panelPlugin } from './plugins/panel';
import { previewPlugin } from './plugins/preview';
import { settingsPlugin } from './plugins/settings';
import { sharePlugin } from './plugins/share';
import { statusPlugin } from './plugins/status';
import { torrentFilePlugin } from './plugins/torrentfile';
import { apiPlugin, transfersPlugin } from './plugins/transfers';

export * from './tokens';

export default [
  apiPlugin,
  transfersPlugin,
  panelPlugin,
  commandsPlugin,
  previewPlugin,
  sharePlugin,
  fetchPlugin,
  torrentFilePlugin,
  intakePlugin,
  statusPlugin,
  notificationsPlugin,
  settingsPlugin
];
