import { linkIn } from '../src/links';

const HASH = 'ab'.repeat(20);
const MAGNET = `magnet:?xt=urn:btih:${HASH}&dn=%C3%9Cbung&tr=wss%3A%2F%2Fexample.org`;

describe('a link', () => {
  it('is a magnet link, wherever it stands in the text', () => {
    expect(linkIn(`Fetch this:\n${MAGNET}\nuntil Friday`)).toBe(MAGNET);
    expect(linkIn(`%wt fetch "${MAGNET}"`)).toBe(MAGNET);
    expect(linkIn(`<a href="${MAGNET}">data</a>`)).toBe(MAGNET);
  });

  it('is an info hash or the address of a .torrent file that stands alone', () => {
    expect(linkIn(` ${HASH}\n`)).toBe(HASH);
    expect(linkIn('a'.repeat(32))).toBe('a'.repeat(32));
    expect(linkIn('https://example.org/data/x.torrent?key=1')).toBe(
      'https://example.org/data/x.torrent?key=1'
    );
  });

  it.each(['', 'data.csv', `commit ${HASH} broke it`, 'https://example.org/x.html', 'magnet:?'])(
    'is not seen in %j',
    text => {
      expect(linkIn(text)).toBeUndefined();
    }
  );
});
