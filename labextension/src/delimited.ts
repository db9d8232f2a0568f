/** Reads the beginning of a table of text, as RFC 4180 and spreadsheets write it. */

/**
 * The first rows of `text`, at most `limit`. A quoted cell may hold the delimiter, line breaks and doubled quotes;
 * what is odd is kept as it stands, for this is for the eye.
 */
export function readRows(text: string, delimiter: ',' | '\t', limit: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endRow = (): void => {
    rows.push([...row, cell]);
    row = [];
    cell = '';
  };
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length && rows.length < limit; at++) {
    const character = text.charAt(at);
    if (quoted) {
      if (character !== '"') {
        cell += character;
      } else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else {
        quoted = false;
      }
    } else if (character === '"' && cell === '') {
      quoted = true;
    } else if (character === delimiter) {
      row.push(cell);
      cell = '';
    } else if (character === '\n') {
      endRow();
    } else if (character !== '\r' || text[at + 1] !== '\n') {
      cell += character;
    }
  }
  if (rows.length < limit && (cell !== '' || row.length > 0)) {
    endRow();
  }
  return rows;
}
