/** Names of classes as Hugging Face's data sets tell them. */
import { parse } from 'yaml';

interface Feature {
  names?: string[] | Record<string, string>;
}

/** Of the text under `huggingface` in a Parquet file's metadata; null where it does not tell them. */
export function namesInMetadata(text: string | undefined, column: string): string[] | null {
  if (text === undefined) return null;
  const { info } = JSON.parse(text) as { info?: { features?: Record<string, Feature> } };
  return namesOf(info?.features?.[column]?.names);
}

/** Of the front matter of a README.md: `dataset_info: features: - name: label, dtype: class_label: names`. */
export function namesInReadme(text: string, column: string): string[] | null {
  const [, front] = /^---\n(.*?)\n---/s.exec(text) ?? [];
  if (front === undefined) return null;
  type Info = { features?: { name: string; dtype?: { class_label?: Feature } }[] };
  const { dataset_info: given } = parse(front) as { dataset_info?: Info | Info[] };
  const features = [given].flat().flatMap((info) => info?.features ?? []);
  return namesOf(features.find(({ name }) => name === column)?.dtype?.class_label?.names);
}

/** A list, or a mapping from '0' on. */
function namesOf(names: Feature['names']): string[] | null {
  if (names === undefined) return null;
  return Array.isArray(names)
    ? names.map(String)
    : Object.keys(names).map((_, label) => String(names[label]));
}
