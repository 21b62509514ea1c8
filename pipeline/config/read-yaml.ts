/** YAML text into plain values; mistakes of the syntax are told with their line. */
import { LineCounter, parseDocument } from 'yaml';
import type { Json } from '../../schemas/stage.ts';

/** Parses YAML 1.2; what is wrong with it comes back as lines `line 3, column 5: …`. */
export function readYaml(text: string): { value: Json; problems: string[] } {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  const problems = [...document.errors, ...document.warnings].map((problem) => {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    return `line ${line}, column ${col}: ${problem.message}`;
  });
  if (problems.length > 0) return { value: null, problems };
  try {
    const value = document.toJS() as Json;
    // Throws where an alias lies inside its own anchor.
    JSON.stringify(value);
    return { value, problems };
  } catch (error) {
    return { value: null, problems: [(error as Error).message.split('\n')[0]!] };
  }
}
