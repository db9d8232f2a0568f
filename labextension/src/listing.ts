/** Which transfers a list shows, and in what order. */

import { displayName } from './format';
import type { ITransferStatus } from './schema';

export const ORDERS = ['newest', 'name', 'size', 'state'] as const;

export type Order = (typeof ORDERS)[number];

/** As people count and spell in their language: `part 2` comes before `part 10`. */
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** What a transfer is called until its name is known: its info hash. */
export function nameOf(transfer: ITransferStatus): string {
  return displayName(transfer.name) || transfer.info_hash;
}

/** Those whose name has every word of `query`; of equal ones the newest is first. `transfers` is oldest first. */
export function listed(
  transfers: readonly ITransferStatus[],
  query: string,
  order: Order
): ITransferStatus[] {
  const words = query.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  const found = transfers.filter(transfer => {
    const name = nameOf(transfer).toLocaleLowerCase();
    return words.every(word => name.includes(word));
  });
  found.reverse();
  switch (order) {
    case 'newest':
      return found;
    case 'name':
      return found.sort((one, other) => collator.compare(one.name, other.name));
    case 'size':
      return found.sort((one, other) => other.total - one.total);
    case 'state':
      return found.sort((one, other) => rank(one) - rank(other));
  }
}

/** What wants attention is first, then what moves. */
function rank({ state }: ITransferStatus): number {
  return [
    'failed',
    'downloading',
    'metadata',
    'checking',
    'on_demand',
    'seeding',
    'paused'
  ].indexOf(state);
}
