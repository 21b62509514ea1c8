/** Text for a terminal: folded at spaces, and beside a label. */

/** Columns that every terminal has. */
export const COLUMNS = 80;

/** Breaks a text at spaces into lines of at most `columns` characters; a longer word stands alone. No text, no line. */
export function fold(text: string, columns: number): string[] {
  if (text === '') return [];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A label of `labelColumns` and the text beside it, folded to {@link COLUMNS}. */
export function labelled(label: string, labelColumns: number, text: string): string[] {
  return fold(text, COLUMNS - labelColumns).map(
    (line, i) => `${(i === 0 ? label : '').padEnd(labelColumns)}${line}`,
  );
}
