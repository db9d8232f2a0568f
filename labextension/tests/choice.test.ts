import { chosenBytes, filterFiles, withFiles } from '../src/choice';
import type { IFileStatus } from '../src/schema';

function file(index: number, path: string, length: number): IFileStatus {
  return { index, path, length, done: 0, wanted: true, priority: 'normal' };
}

const FILES = [file(0, 'data/Train.csv', 10), file(1, 'data/test.csv', 20), file(2, 'a.png', 5)];

describe('a choice of files', () => {
  it('is filtered by every word, whatever the case', () => {
    expect(filterFiles(FILES, ' CSV train ').map(({ index }) => index)).toEqual([0]);
    expect(filterFiles(FILES, ' ')).toBe(FILES);
    expect(filterFiles(FILES, 'nothing')).toEqual([]);
  });

  it('grows and shrinks by files, and knows their size', () => {
    const one = withFiles(new Set([2]), FILES.slice(0, 2), true);
    expect(chosenBytes(FILES, one)).toBe(35);
    expect(chosenBytes(FILES, withFiles(one, FILES.slice(1), false))).toBe(10);
  });
});
