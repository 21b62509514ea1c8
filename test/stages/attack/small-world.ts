/** A small classifier of pictures with weights drawn at random, and pictures that it all classifies right. */
import type { StageContext } from '../../../schemas/stage.ts';
import { classOf } from '../../../stages/numerics/attacks/attack.ts';
import { makeOracle } from '../../../stages/numerics/attacks/oracle.ts';
import { loadClassifier } from '../../../stages/numerics/networks/trained-classifier.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

export const SHAPE = [6, 6, 1];
export const CLASSES = 5;
const SIZE = 36;

export interface SmallWorld {
  model: string;
  dataset: string;
  labels: Uint16Array;
}

export const smallModel = (seed = 0) =>
  modelFolder({ network: { kind: 'mlp', hidden: [16] }, shape: SHAPE, classes: CLASSES, seed });

/** @param wrong how many of the first images have a wrong label */
export async function smallWorld(count = 30, wrong = 2): Promise<SmallWorld> {
  const model = await smallModel();
  const random = randomStream(7, 'small-world');
  const images = Uint8Array.from({ length: count * SIZE }, () => random.integer(256));
  const oracle = makeOracle(await loadClassifier(model), SHAPE, CLASSES);
  const answers = oracle.ask(
    Array.from({ length: count }, (_, i) => {
      const x = Float32Array.from(images.subarray(i * SIZE, (i + 1) * SIZE), (byte) => byte * (1 / 255));
      return { query: { x, loss: null }, label: 0 };
    }),
  );
  const labels = Uint16Array.from(
    answers,
    ({ logits }, i) => (classOf(logits) + (i < wrong ? 1 : 0)) % CLASSES,
  );
  oracle.dispose();
  return { model, dataset: await datasetArtifact(SHAPE, CLASSES, { images, labels }), labels };
}

/** The stage on the trained model, or on another one where the settings name it. */
export function attackContext({ model, dataset }: SmallWorld, attack: object, directory?: string) {
  const inputs = 'model' in attack ? { dataset } : { dataset, train: model };
  return contextOf(configOf({ attack }), inputs, directory);
}

export type Collected = ReturnType<typeof attackContext> & StageContext;
