import { readRows } from '../src/delimited';

describe('the rows of a table', () => {
  it.each([
    ['', []],
    ['a,b', [['a', 'b']]],
    [
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2']
      ]
    ],
    ['\uFEFFa\n', [['a']]],
    ['"x, ""y""\nz",2\n', [['x, "y"\nz', '2']]],
    ['a,,\n', [['a', '', '']]],
    ['a\n\nb', [['a'], [''], ['b']]],
    ['5" pipe,"open', [['5" pipe', 'open']]]
  ])('of %j are read', (text, rows) => {
    expect(readRows(text, ',', 10)).toEqual(rows);
  });

  it('are separated by tabs where the file says so', () => {
    expect(readRows('a,b\tc\n', '\t', 10)).toEqual([['a,b', 'c']]);
  });

  it('end at the limit', () => {
    expect(readRows('1\n2\n3\n', ',', 2)).toEqual([['1'], ['2']]);
    expect(readRows('1\n2\n3', ',', 3)).toHaveLength(3);
  });
});
