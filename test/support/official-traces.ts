/** The traces of the official code in the reference folder, and the classifiers that they are of. */
import { makeOracle, type Oracle } from '../../stages/numerics/attacks/oracle.ts';
import { loadPublished, type PublishedName } from './published.ts';

export const TRACES = [
  { file: 'mnist_small_0_3_Linf_0p1', model: 'mnist_small_0_3', norm: 'Linf', eps: 0.1 },
  { file: 'mnist_wk_Linf_0p1', model: 'mnist_wong_kolter_0_1', norm: 'Linf', eps: 0.1 },
  { file: 'mnist_small_0_3_L2_1p5', model: 'mnist_small_0_3', norm: 'L2', eps: 1.5 },
] as const;

export type PublishedOracles = ReadonlyMap<PublishedName, Oracle>;

export async function publishedOracles(): Promise<PublishedOracles> {
  const oracles = new Map<PublishedName, Oracle>();
  for (const model of ['mnist_small_0_3', 'mnist_wong_kolter_0_1'] as const) {
    oracles.set(model, makeOracle(await loadPublished(model), [28, 28, 1], 10));
  }
  return oracles;
}
