/** Values and doubles that several tests need. */

import type { ITransferStatus } from '../src/schema';
import { readTransfers } from '../src/decode';
import torrents from './fixtures/torrents.json';

/** A transfer of the fixtures, by its state, with some fields changed. */
export function transferIn(
  state: ITransferStatus['state'],
  changes: Partial<ITransferStatus> = {}
): ITransferStatus {
  const found = readTransfers(torrents).find(transfer => transfer.state === state);
  if (found === undefined) {
    throw new Error(`no fixture is ${state}`);
  }
  return { ...found, ...changes };
}

/** Let everything that is ready to run do so. */
export async function settle(): Promise<void> {
  await jest.advanceTimersByTimeAsync(0);
}
