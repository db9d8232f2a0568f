import { baseName, mediaKind } from '../src/media';
import kinds from './fixtures/media.json';

describe('the kind of a file', () => {
  it.each(Object.entries(kinds))('of .%s is %s, as on the server', (ending, kind) => {
    expect(mediaKind(`week 1/lecture.${ending.toUpperCase()}`)).toBe(kind);
  });

  it.each(['', 'mp4', 'folder.mp4/data', 'data.csv.', 'a.exe', '.constructor'])(
    'of %j is not known',
    path => {
      expect(mediaKind(path)).toBe('other');
    }
  );
});

it('a base name is the last part of a path', () => {
  expect(['a/b/c.csv', 'c.csv', 'a/'].map(baseName)).toEqual(['c.csv', 'c.csv', '']);
});
