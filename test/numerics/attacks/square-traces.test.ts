/** Square Attack against the official code, proposal for proposal, with the draws that the official code made. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../../stages/numerics/attacks/attack.ts';
import { margin } from '../../../stages/numerics/attacks/logit-measures.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { AttackRun } from '../../../stages/numerics/attacks/run-attacks.ts';
import { square } from '../../../stages/numerics/attacks/square.ts';
import type { Draws } from '../../../stages/numerics/attacks/square-moves.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { readTensors, type Tensor } from '../../../store/tensor-file.ts';
import { type PublishedOracles, publishedOracles, TRACES } from '../../support/official-traces.ts';
import { referenceDirectory } from '../../support/reference.ts';

const IMAGES = 6;
const PROPOSALS = 300;
const SIZE = 784;

/** Of logits near 10 and of sums over 784 pixels in float32. */
const ROUNDING = 3e-5;

const numbers = (tensor: Tensor | undefined) =>
  Array.from((tensor?.data ?? []) as ArrayLike<number | bigint>, Number);

/** The recorded draws as those of one image; the official code draws windows and bumps once for all images. */
function replay(trace: Record<string, Tensor>, norm: 'Linf' | 'L2', image: number): Draws {
  const places = numbers(trace['sq.ints']);
  const signs = numbers(trace['sq.choices_flat']);
  const sizes = numbers(trace['sq.choice_sizes']);
  const coins = numbers(trace['sq.eta_not_transposed']).map((isUpright) => isUpright === 0);
  // How often each image was asked about says which images each draw of signs was for.
  const queries = numbers(trace['sq.n_queries']);
  const starts = norm === 'Linf' ? 1 : 25;
  let first = 0;
  const own = sizes.flatMap((size, draw) => {
    const all = signs.slice(first, first + size);
    first += size;
    if (draw < starts) return all.slice((image * size) / IMAGES, ((image + 1) * size) / IMAGES);
    if (norm === 'Linf') return all;
    const standing = [...queries.keys()].filter((i) => queries[i]! - 1 > draw - starts);
    return all.slice(standing.indexOf(image)).slice(0, 1);
  });
  return {
    place: () => places.shift()!,
    sign: () => own.shift() as 1 | -1,
    coin: () => coins.shift()!,
  };
}

describe.skipIf(referenceDirectory === null)(
  'Square Attack with the draws of the official code (needs ../shared/reference)',
  () => {
    let oracles: PublishedOracles;
    beforeAll(async () => {
      oracles = await publishedOracles();
    });

    it.each(TRACES)('ends at the same points after as many queries, $file', async (given) => {
      const { file, model, norm, eps } = given;
      const { tensors } = await readTensors(`${referenceDirectory}/traces/trace_${file}.safetensors`);
      const x = tensors.x!.data as Float32Array;
      const labels = numbers(tensors.y);
      const images: Float32Array[] = Array.from({ length: IMAGES }, (_, i) =>
        x.slice(i * SIZE, (i + 1) * SIZE),
      );
      const problemOf = (image: number): Problem => ({
        image: images[image]!,
        shape: [28, 28, 1],
        label: labels[image]!,
        target: null,
        cleanLogits: new Float32Array(10),
        norm: norms[norm],
        eps,
        box: [0, 1],
        random: randomStream(image),
      });
      const attack = square({ queries: PROPOSALS }, ({ image }) =>
        replay(tensors, norm, images.indexOf(image)),
      );
      const oracle = oracles.get(model)!;
      const run = new AttackRun(IMAGES, [attack], oracle, problemOf, { batchSize: IMAGES });
      while (run.step());
      const results = run.results();

      expect(results.map(({ queries }) => queries)).toEqual(numbers(tensors['sq.n_queries']));
      const margins = numbers(tensors['sq.margin']);
      const best = tensors['sq.x_best']!.data as Float32Array;
      let same = 0;
      results.forEach((result, i) => {
        const [answer] = oracle.ask([{ query: { x: result.x, loss: null }, label: labels[i]! }]);
        expect(Math.abs(margin(answer!.logits, labels[i]!) - margins[i]!)).toBeLessThan(ROUNDING);
        same += result.x.filter((value, j) => Math.abs(value - best[i * SIZE + j]!) < ROUNDING).length;
      });
      // Where the network hardly looks, rounding decides whether a proposal is kept.
      expect(same / (IMAGES * SIZE)).toBeGreaterThan(0.9);
    });
  },
);
