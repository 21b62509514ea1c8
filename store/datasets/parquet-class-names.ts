/** Names of classes as Hugging Face's data sets tell them. */
import { parse } from 'yaml';
import { damagedData } from './dataset-source.ts';

interface Feature {
  names?: string[] | Record<string, string>;
}

/** Of the text under `huggingface` in a Parquet file's metadata; null where it does not tell them. */
export function namesInMetadata(path: string, text: string | undefined, column: string): string[] | null {
  if (text === undefined) return null;
  type Metadata = { info?: { features?: Record<string, Feature | undefined> } } | null;
  const metadata = parsed<Metadata>(path, 'JSON as the metadata huggingface', () => JSON.parse(text));
  return namesOf(metadata?.info?.features?.[column]?.names);
}

/** Of the front matter of a README.md: `dataset_info: features: - name: label, dtype: class_label: names`. */
export function namesInReadme(path: string, text: string, column: string): string[] | null {
  const [, front] = /^---\n(.*?)\n---/s.exec(text) ?? [];
  if (front === undefined) return null;
  type Info = { features?: { name: string; dtype?: { class_label?: Feature } }[] };
  type Front = { dataset_info?: Info | Info[] } | null;
  const given = parsed<Front>(path, 'YAML between the lines ---', () => parse(front))?.dataset_info;
  const features = [given].flat().flatMap((info) => info?.features ?? []);
  return namesOf(features.find(({ name }) => name === column)?.dtype?.class_label?.names);
}

function parsed<T>(path: string, what: string, parse: () => unknown): T {
  try {
    return parse() as T;
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw damagedData(path, what, `something else (${reason})`, error);
  }
}

/** A list, or a mapping from '0' on. */
function namesOf(names: Feature['names']): string[] | null {
  if (names === undefined) return null;
  return Array.isArray(names)
    ? names.map(String)
    : Object.keys(names).map((_, label) => String(names[label]));
}
