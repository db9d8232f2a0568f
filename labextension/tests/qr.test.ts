import { encode } from 'uqr';

import { qrCode } from '../src/qr';

describe('a QR code', () => {
  it('has a unit of path for each dark module, and no other', () => {
    const text = `magnet:?xt=urn:btih:${'ab'.repeat(20)}`;
    const { data, size } = encode(text, { border: 4, ecc: 'L' });
    const code = qrCode(text);
    expect(code?.size).toBe(size);
    const drawn = data.map(row => row.map(() => false));
    for (const [, x, y, width] of code?.path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g) ?? []) {
      drawn[Number(y)]?.fill(true, Number(x), Number(x) + Number(width));
    }
    expect(drawn).toEqual(data);
  });

  it('is not made of more than fits', () => {
    expect(qrCode('x'.repeat(10_000))).toBeUndefined();
  });
});
