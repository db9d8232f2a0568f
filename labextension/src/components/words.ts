/** What a transfer and its parts are called in a person's language. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { formatBytes, formatDuration, formatRate, secondsLeft, sendingRate } from '../format';
import type { Order } from '../listing';
import type { FilePriority, ITransferStatus } from '../schema';

export function stateInWords({ state }: ITransferStatus, trans: TranslationBundle): string {
  switch (state) {
    case 'metadata':
      return trans.__('Looking for the files');
    case 'checking':
      return trans.__('Checking');
    case 'downloading':
      return trans.__('Downloading');
    case 'seeding':
      return trans.__('Seeding');
    case 'paused':
      return trans.__('Paused');
    case 'failed':
      return trans.__('Failed');
    case 'on_demand':
      return trans.__('Ready to read');
  }
}

export function orderInWords(order: Order, trans: TranslationBundle): string {
  switch (order) {
    case 'newest':
      return trans.__('Newest first');
    case 'name':
      return trans.__('By name');
    case 'size':
      return trans.__('Largest first');
    case 'state':
      return trans.__('By state');
  }
}

export function priorityInWords(priority: FilePriority, trans: TranslationBundle): string {
  switch (priority) {
    case 'skip':
      return trans.__('Skip');
    case 'low':
      return trans.__('Low');
    case 'normal':
      return trans.__('Normal');
    case 'high':
      return trans.__('High');
  }
}

/** Of a tracker or a web seed. */
export function sourceStateInWords(state: string, trans: TranslationBundle): string {
  switch (state) {
    case 'connecting':
      return trans.__('Connecting');
    case 'working':
      return trans.__('Working');
    case 'failed':
      return trans.__('Failed');
    case 'standby':
      return trans.__('Standby');
    case 'waiting':
      return trans.__('Waiting');
    default:
      return state;
  }
}

/** Names of their own, the same in every language but one. */
export function transportInWords(transport: string, trans: TranslationBundle): string {
  switch (transport) {
    case 'tcp':
      return 'TCP';
    case 'webrtc':
      return 'WebRTC';
    case 'webseed':
      return trans.__('web seed');
    default:
      return transport;
  }
}

/** `2 TCP, 1 WebRTC`; empty if there is nothing. */
export function byTransportInWords(
  amounts: Readonly<Record<string, number>>,
  show: (amount: number) => string,
  trans: TranslationBundle
): string {
  return Object.entries(amounts)
    .filter(([, amount]) => amount > 0)
    .map(([transport, amount]) => `${show(amount)} ${transportInWords(transport, trans)}`)
    .join(', ');
}

export function sizeInWords({ done, total }: ITransferStatus, trans: TranslationBundle): string {
  return done < total
    ? trans.__('%1 of %2', formatBytes(done), formatBytes(total))
    : formatBytes(total);
}

/** How fast it is sent, or else how much was. */
export function uploadInWords(transfer: ITransferStatus, trans: TranslationBundle): string {
  const rate = sendingRate(transfer);
  if (rate > 0) {
    return `↑ ${formatRate(rate)}`;
  }
  return transfer.uploaded > 0 ? trans.__('%1 sent', formatBytes(transfer.uploaded)) : '';
}

export function timeLeftInWords(transfer: ITransferStatus, trans: TranslationBundle): string {
  const seconds = secondsLeft(transfer);
  return seconds === undefined ? '' : trans.__('%1 left', formatDuration(seconds));
}
