/** Reads a stranger's notebook for the eye: its cells and those outputs that need no trust. Nothing of it runs. */

/** A notebook that is none, or of a format that is not known here. */
export class NotebookError extends Error {}

export interface ICellPreview {
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  /** As `[3]:`; null: it has not run. */
  readonly count: number | null;
  readonly outputs: readonly IOutputPreview[];
}

/** One representation of an output. */
export interface IOutputPreview {
  readonly mimeType: string;
  readonly data: string;
}

/** The best first. None of them can run a script once it is sanitised. */
const SHOWN_TYPES = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'text/html',
  'text/markdown',
  'text/latex',
  'text/plain'
];

/** The first cells of a notebook's JSON, and how many there are; throws NotebookError. */
export function readNotebook(
  json: string,
  limit: number
): { cells: ICellPreview[]; total: number } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new NotebookError('not JSON');
  }
  const cells = asRecord(value)['cells'];
  if (!Array.isArray(cells)) {
    throw new NotebookError('no list of cells');
  }
  return { cells: cells.slice(0, limit).map(readCell), total: cells.length };
}

function readCell(value: unknown): ICellPreview {
  const fields = asRecord(value);
  const type = fields['cell_type'];
  const count = fields['execution_count'];
  const outputs: unknown = fields['outputs'];
  return {
    type: type === 'code' || type === 'markdown' ? type : 'raw',
    source: asText(fields['source']),
    count: typeof count === 'number' ? count : null,
    outputs: Array.isArray(outputs) ? outputs.flatMap(readOutput) : []
  };
}

function readOutput(value: unknown): IOutputPreview[] {
  const fields = asRecord(value);
  switch (fields['output_type']) {
    case 'stream': {
      const name = fields['name'] === 'stderr' ? 'stderr' : 'stdout';
      return [{ mimeType: `application/vnd.jupyter.${name}`, data: asText(fields['text']) }];
    }
    case 'error': {
      const lines = fields['traceback'];
      const data = Array.isArray(lines) ? lines.filter(isString).join('\n') : '';
      return [{ mimeType: 'application/vnd.jupyter.stderr', data }];
    }
    default: {
      const bundle = asRecord(fields['data']);
      const mimeType = SHOWN_TYPES.find(type => bundle[type] !== undefined);
      return mimeType === undefined ? [] : [{ mimeType, data: asText(bundle[mimeType]) }];
    }
  }
}

/** nbformat writes a text as itself or as a list of its lines. */
function asText(value: unknown): string {
  return Array.isArray(value) ? value.filter(isString).join('') : isString(value) ? value : '';
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
