/** The networks by name. */
import type { ClassifierConfig, Normalization, ScoreNetworkConfig } from '../../../schemas/network-config.ts';
import { networkMisfit } from '../../../schemas/network-fit.ts';
import { scoreNetworkMisfit } from '../../../schemas/score-network-fit.ts';
import { makeCnn } from './cnn.ts';
import { makeDhariwalUnet } from './dhariwal-unet.ts';
import { makeMlp } from './mlp.ts';
import type { Classifier, ScoreNetwork } from './network.ts';
import { normalized } from './normalized.ts';
import { refuseMisfit } from './refuse-misfit.ts';
import { makeResnet18 } from './resnet18.ts';
import { makeResnet50 } from './resnet50.ts';
import { makeScoreMlp } from './score-mlp.ts';
import { makeSongUnet } from './song-unet.ts';
import { makeUnet } from './unet.ts';
import { makeVit } from './vit.ts';
import { makeWideResnet } from './wide-resnet.ts';

type Makers<Config extends { kind: string }, Network> = {
  [Kind in Config['kind']]: (
    config: Extract<Config, { kind: Kind }>,
    shape: readonly number[],
    classes: number,
    outputs: number,
  ) => Network;
};

const classifiers: Makers<ClassifierConfig, Classifier> = {
  mlp: makeMlp,
  cnn: makeCnn,
  resnet18: makeResnet18,
  'wide-resnet': makeWideResnet,
  resnet50: makeResnet50,
  vit: makeVit,
};
const scoreNetworks: Makers<ScoreNetworkConfig, ScoreNetwork> = {
  mlp: makeScoreMlp,
  unet: makeUnet,
  'song-unet': makeSongUnet,
  'dhariwal-unet': makeDhariwalUnet,
};

function make<Config extends { kind: string }, Network>(
  makers: Makers<Config, Network>,
  config: Config,
  shape: readonly number[],
  classes: number,
  outputs = shape.at(-1)!,
): Network {
  const maker = makers[config.kind as Config['kind']] as (
    c: Config,
    s: readonly number[],
    n: number,
    o: number,
  ) => Network;
  return maker(config, shape, classes, outputs);
}

/**
 * A network that does not fit the inputs is `CONFIG_INVALID`.
 *
 * @param shape shape of one input, channels last
 * @param normalization what is done to the input first; nothing if left out
 */
export function makeClassifier(
  config: ClassifierConfig,
  shape: readonly number[],
  classes: number,
  normalization?: Normalization,
): Classifier {
  refuseMisfit('train', networkMisfit(config, shape, classes));
  return normalized(make(classifiers, config, shape, classes), normalization);
}

/**
 * As {@link makeClassifier}.
 *
 * @param shape shape of one input, channels last
 * @param learnsVariance whether the output has twice the channels, as {@link Preconditioning.learnsVariance} says
 */
export function makeScoreNetwork(
  config: ScoreNetworkConfig,
  shape: readonly number[],
  classes: number,
  learnsVariance = false,
): ScoreNetwork {
  refuseMisfit('score', scoreNetworkMisfit(config, shape));
  return make(scoreNetworks, config, shape, classes, (learnsVariance ? 2 : 1) * shape.at(-1)!);
}
