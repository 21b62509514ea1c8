/** What the catalogue tells of a data set: its official files, where to have them from, and how to read them. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { SplitName } from '../../schemas/dataset.ts';
import type { DatasetName } from '../../schemas/dataset-facts.ts';
import type { DatasetSource } from './dataset-source.ts';

export type DatasetConfig = ExperimentConfig['dataset'];
/** All but the toy set, which is drawn. */
export type FileDatasetName = Exclude<DatasetName, 'toy'>;

/** A file as it is distributed. */
export interface Download {
  name: string;
  /** Where published. */
  bytes?: number;
  /** As published, in hexadecimal; at least one of the two where there are URLs. */
  md5?: string;
  sha256?: string;
  /** The official address first, then mirrors. Empty where the file can only be had by hand. */
  urls: readonly string[];
  /** Folder below the data directory that the file, or what is in the archive, belongs into. */
  into: string;
  /** Absent: the file is kept as it is. */
  archive?: 'tar.gz' | 'zip';
  /** Leading folders of the paths in the archive that are left out; what has no more of a path than that is, too. */
  strip?: number;
}

/** One form in which the files of a data set may lie there. */
export interface Layout {
  /** Below the data directory, named as the official archive unpacks; null: named by `dataset.folder`. */
  folder: string | null;
  /** Files and folders that must be there; a file may be gzipped as NAME.gz. Empty: whatever there is. */
  files: readonly string[];
  /** Files that are read where the configuration asks for them. */
  optional?: readonly string[];
  /** Throws `DATA_MISSING` or `DATA_DAMAGED`. */
  read(directory: string, config: DatasetConfig): Promise<DatasetSource>;
}

export interface DatasetEntry {
  name: FileDatasetName;
  /** In words, for lists and messages. */
  title: string;
  /** The first one of which any file is there is read; the first one of all is what users are told of. */
  layouts: readonly [Layout, ...Layout[]];
  /** Folder of a copy that comes with the project, with the files of the first layout. */
  bundled?: string;
  downloads: readonly Download[];
  splits: readonly SplitName[];
  /** How to have the files where no address can be given, in a sentence. */
  byHand?: string;
}
