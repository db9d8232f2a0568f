/** What the panel can have done: by commands, so that menus, shortcuts and the palette do the same. */

import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

export interface IActions {
  /** Whether there is such a command. */
  can(command: string): boolean;
  /** Commands tell of their failures themselves. */
  run(command: string, args?: ReadonlyPartialJSONObject): void;
}

/** The commands that there are now. */
export function actionsOf(commands: CommandRegistry): IActions {
  const ids = new Set(commands.listCommands());
  return {
    can: command => ids.has(command),
    run: (command, args) => {
      commands.execute(command, args).catch((error: unknown) => {
        console.error(`jupyter-webtorrent: ${command} failed`, error);
      });
    }
  };
}
