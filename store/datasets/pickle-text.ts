/** Texts as pickles of protocol 0 write them. */

const SHORT: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };

/** `'ab\x00c'`, in Python's quotes and escapes: each character is a byte. */
export function unescapeString(text: string): string {
  const [, , inner] = /^(['"])(.*)\1$/s.exec(text) ?? [];
  if (inner === undefined) throw new Error(`the text ${text.slice(0, 20)}, which is not in quotes`);
  return inner.replace(/\\(x[0-9a-f]{2}|.)/gs, (_, code: string) =>
    code.length === 3
      ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
      : (SHORT[code] ?? `\\${code}`),
  );
}

/** Bytes are Latin-1, other characters `\uXXXX` and `\UXXXXXXXX`. */
export function unescapeUnicode(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/g, (_, short?: string, long?: string) =>
    String.fromCodePoint(Number.parseInt(short ?? long!, 16)),
  );
}
