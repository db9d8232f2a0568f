/** Numbers and names as people read them. Words that need translation are left to the components. */

import type { ITransferStatus } from './schema';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Control, zero-width and bidirectional characters: they can make a name look like another one. */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Characters of a short name. */
const SHORT = 60;

/** `12.3 MB`: decimal units, one decimal below 100. */
export function formatBytes(bytes: number): string {
  let value = Math.max(bytes, 0);
  let unit = 0;
  // 999.5 is where rounding would print four digits.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** `1.2 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `12 s`, `3 min`, `1 h 5 min`, `2 d 3 h`: at most two units, rounded up. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(Math.ceil(seconds), 0);
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.ceil(whole / 60);
  if (minutes < 60) {
    return `${minutes} min`;
  }
  if (minutes < 24 * 60) {
    return twoUnits(minutes, 60, 'h', 'min');
  }
  return twoUnits(Math.ceil(minutes / 60), 24, 'd', 'h');
}

/** Whole per cent of the wanted bytes, 100 only when all of them are verified; undefined while unknown. */
export function percentDone(transfer: ITransferStatus): number | undefined {
  if (transfer.total <= 0) {
    // An empty file has nothing to wait for.
    return transfer.state === 'seeding' ? 100 : undefined;
  }
  return Math.min(Math.floor((100 * transfer.done) / transfer.total), 100);
}

/** Seconds until a download is complete at its present rate; undefined when nobody can say. */
export function secondsLeft(transfer: ITransferStatus): number | undefined {
  const bytes = transfer.total - transfer.done;
  if (transfer.state !== 'downloading' || transfer.down_rate <= 0 || bytes <= 0) {
    return undefined;
  }
  return bytes / transfer.down_rate;
}

/** Bytes per second that are being sent: a rate is smoothed, and outlives the last peer by a while. */
export function sendingRate({ peers, up_rate }: ITransferStatus): number {
  return peers > 0 ? up_rate : 0;
}

/** Bytes per second that arrive: a smoothed rate outlives the last byte, but a finished download has none. */
export function receivingRate({ state, down_rate }: ITransferStatus): number {
  return state === 'downloading' || state === 'on_demand' ? down_rate : 0;
}

/** A name that shows each of its characters: those that could deceive are replaced by U+FFFD. */
export function displayName(name: string): string {
  return name.replace(DECEPTIVE, '\uFFFD');
}

/** The same for a line that has other things to say: cut in the middle if it is long. */
export function shortName(name: string): string {
  const letters = Array.from(displayName(name));
  if (letters.length <= SHORT) {
    return letters.join('');
  }
  const half = SHORT / 2;
  return `${letters.slice(0, half).join('')}…${letters.slice(-half).join('')}`;
}

/** `10,000`, as people of the browser's language write it. */
export function formatCount(count: number): string {
  return count.toLocaleString();
}

function twoUnits(count: number, size: number, large: string, small: string): string {
  const rest = count % size;
  const whole = `${Math.floor(count / size)} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}
