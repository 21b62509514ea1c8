/** Looks at the averaged weights while they are trained: loss of held-out images, and a sheet of samples. */
import { join } from 'node:path';
import type { ScoreConfig } from '../../schemas/score-config.ts';
import { makeDirectory, writeFileAtomic } from '../../store/atomic-file.ts';
import type { ScoreModel } from '../numerics/diffusion/denoise.ts';
import { sampleSheet } from '../numerics/diffusion/sample-sheet.ts';
import { stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { loadParameters } from '../numerics/tensor/parameters.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { heldOutLosses } from './held-out-loss.ts';
import type { ScoreSetting } from './setting.ts';
import { type ScoreRun, saveRun } from './training-run.ts';

/** A sheet shows so many classes, the first ones. */
const MOST_CLASSES = 10;

const isDue = (step: number, every: number, { steps }: ScoreConfig) => step % every === 0 || step === steps;

/** Whether the loss of held-out images is asked for after this step. */
function wantsLoss({ config }: ScoreSetting, step: number): boolean {
  const { images, every = Math.ceil(config.steps / 10) } = config.validation;
  return images > 0 && isDue(step, every, config);
}

/** Whether a sheet is asked for after this step; points and images of other than 1 or 3 channels have none. */
function wantsSheet({ config, dataset: { info } }: ScoreSetting, step: number): boolean {
  const { perClass, every = config.steps } = config.samples;
  const canBeDrawn = info.shape.length === 3 && [1, 3].includes(info.shape[2]!);
  return perClass > 0 && canBeDrawn && isDue(step, every, config);
}

/** Does what is due after the step that has just been done, once. */
export async function look(run: ScoreRun): Promise<void> {
  const { setting, step, notes, state } = run;
  const [loss, sheet] = [wantsLoss(setting, step), wantsSheet(setting, step)];
  if (notes.looked === step || (!loss && !sheet)) return;
  const { network, preconditioning, scale, dataset } = setting;
  const parameters = loadParameters(network.parameters, state.average.dataSync() as Float32Array);
  const classes = dataset.info.classNames.length;
  const model = { network, parameters, preconditioning, scale, classes };
  try {
    if (sheet) await writeSheet(run, model);
    if (loss) {
      const wallTimeSec = Date.now() / 1000;
      notes.heldOut.push(...heldOutLosses(setting, model).map((row) => ({ step, wallTimeSec, ...row })));
    }
    notes.looked = step;
  } finally {
    tf.dispose(parameters);
  }
}

/** `samples/step-00000500.png`. */
async function writeSheet(run: ScoreRun, model: ScoreModel): Promise<void> {
  const { context, setting, step } = run;
  const { config, dataset } = setting;
  const { shape, classNames } = dataset.info;
  const settings = {
    ...config.samples,
    seed: config.seed ?? 0,
    batchSize: config.batchSize,
    classes: Array.from({ length: Math.min(MOST_CLASSES, model.classes) }, (_, i) => i),
  };
  const png = await sampleSheet(model, shape, classNames, settings, async () => {
    await yieldToEvents();
    // A sheet of a large model takes minutes; it is drawn again when the training is taken up.
    if (context.signal.aborted) await saveRun(run);
    stopIfAsked(context);
  });
  const folder = join(context.directory, 'samples');
  await makeDirectory(folder);
  await writeFileAtomic(join(folder, `step-${String(step).padStart(8, '0')}.png`), png);
}
