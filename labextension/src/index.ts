/** The plugins of the extension, and nothing else. */

import { commandsPlugin } from './plugins/commands';
import { panelPlugin } from './plugins/panel';
import { previewPlugin } from './plugins/preview';
import { apiPlugin, transfersPlugin } from './plugins/transfers';

export * from './tokens';

export default [apiPlugin, transfersPlugin, panelPlugin, commandsPlugin, previewPlugin];
