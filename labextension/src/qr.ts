/** A QR code as an SVG path, made here: no link is sent to anybody for it. */

import { encode } from 'uqr';

export interface IQrCode {
  /** Modules along a side, with the quiet zone of four around the code. */
  readonly size: number;
  /** The dark modules; one unit each. */
  readonly path: string;
}

/** undefined: the text is too long for any QR code. */
export function qrCode(text: string): IQrCode | undefined {
  try {
    const { data, size } = encode(text, { border: 4, ecc: 'L' });
    return { size, path: data.map(rowPath).join('') };
  } catch {
    return undefined;
  }
}

/** A rectangle for each run of dark modules. */
function rowPath(row: readonly boolean[], y: number): string {
  let path = '';
  for (let x = 0; x < row.length; x += 1) {
    const start = x;
    while (row[x] === true) {
      x += 1;
    }
    if (x > start) {
      path += `M${start} ${y}h${x - start}v1h${start - x}z`;
    }
  }
  return path;
}
