import { NotebookError, readNotebook } from '../src/notebook';

function read(cells: unknown, limit = 10): ReturnType<typeof readNotebook> {
  return readNotebook(JSON.stringify({ cells }), limit);
}

it('cells keep their source, their count and what can be shown of their outputs', () => {
  const outputs = [
    { output_type: 'stream', name: 'stderr', text: ['a\n', 'b'] },
    { output_type: 'error', traceback: ['Traceback', 'Oops'] },
    {
      output_type: 'display_data',
      data: { 'text/plain': 'plain', 'text/html': ['<b>', 'x</b>'] }
    },
    { output_type: 'execute_result', data: { 'application/javascript': 'alert(1)' } }
  ];
  const { cells, total } = read([
    { cell_type: 'markdown', source: ['# Title\n', 'words'] },
    { cell_type: 'code', source: '1 + 1', execution_count: 3, outputs }
  ]);
  expect(total).toBe(2);
  expect(cells).toEqual([
    { type: 'markdown', source: '# Title\nwords', count: null, outputs: [] },
    {
      type: 'code',
      source: '1 + 1',
      count: 3,
      outputs: [
        { mimeType: 'application/vnd.jupyter.stderr', data: 'a\nb' },
        { mimeType: 'application/vnd.jupyter.stderr', data: 'Traceback\nOops' },
        { mimeType: 'text/html', data: '<b>x</b>' }
      ]
    }
  ]);
});

it('no more cells are read than are shown', () => {
  const { cells, total } = read([{}, {}, {}], 2);
  expect([cells.length, total]).toEqual([2, 3]);
});

it('odd cells are empty ones', () => {
  const odd = [null, 7, { source: { a: 1 }, outputs: 'x' }, { outputs: [null, { data: 7 }] }];
  const empty = { type: 'raw', source: '', count: null, outputs: [] };
  expect(read(odd).cells).toEqual(odd.map(() => empty));
});

it.each(['', '[]', '{}', 'null', '{"cells": 7}'])('%j is no notebook', json => {
  expect(() => readNotebook(json, 10)).toThrow(NotebookError);
});
