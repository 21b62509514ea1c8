/** The networks by name. */
import type { ClassifierConfig, Normalization, ScoreNetworkConfig } from '../../../schemas/network-config.ts';
import { makeCnn } from './cnn.ts';
import { makeMlp } from './mlp.ts';
import type { Classifier, ScoreNetwork } from './network.ts';
import { normalized } from './normalized.ts';
import { makeResnet18 } from './resnet18.ts';
import { makeScoreMlp } from './score-mlp.ts';
import { makeUnet } from './unet.ts';
import { makeVit } from './vit.ts';

type Makers<Config extends { kind: string }, Network> = {
  [Kind in Config['kind']]: (
    config: Extract<Config, { kind: Kind }>,
    shape: readonly number[],
    classes: number,
  ) => Network;
};

const classifiers: Makers<ClassifierConfig, Classifier> = {
  mlp: makeMlp,
  cnn: makeCnn,
  resnet18: makeResnet18,
  vit: makeVit,
};
const scoreNetworks: Makers<ScoreNetworkConfig, ScoreNetwork> = { mlp: makeScoreMlp, unet: makeUnet };

function make<Config extends { kind: string }, Network>(
  makers: Makers<Config, Network>,
  config: Config,
  shape: readonly number[],
  classes: number,
): Network {
  const maker = makers[config.kind as Config['kind']] as (
    c: Config,
    s: readonly number[],
    n: number,
  ) => Network;
  return maker(config, shape, classes);
}

/**
 * @param shape shape of one input, channels last
 * @param normalization what is done to the input first; nothing if left out
 */
export function makeClassifier(
  config: ClassifierConfig,
  shape: readonly number[],
  classes: number,
  normalization?: Normalization,
): Classifier {
  return normalized(make(classifiers, config, shape, classes), normalization);
}

/** @param shape shape of one input, channels last */
export function makeScoreNetwork(
  config: ScoreNetworkConfig,
  shape: readonly number[],
  classes: number,
): ScoreNetwork {
  return make(scoreNetworks, config, shape, classes);
}
