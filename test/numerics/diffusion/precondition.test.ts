import '../../support/engine.ts';
import { describe, expect, it } from 'vitest';
import { dataScale, toScaled } from '../../../stages/numerics/diffusion/data-scale.ts';
import { denoise } from '../../../stages/numerics/diffusion/precondition.ts';
import { scoreMatching } from '../../../stages/numerics/losses/score-matching.ts';
import type { ScoreNetwork } from '../../../stages/numerics/networks/network.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';

/** A network whose output is what it was given, times c_noise: every coefficient shows in the result. */
const echo: ScoreNetwork = {
  parameters: [],
  forward: (_, x, noise) => tf.mul(x, tf.reshape(noise, [-1, 1])),
};

describe('EDM', () => {
  it('preconditions as table 1 of Karras et al. says', () => {
    const sigmaData = 0.5;
    const x = [1.5, -2];
    for (const sigma of [0.02, 1, 40]) {
      const total = sigma ** 2 + sigmaData ** 2;
      const expected = x.map((value) => {
        const f = (value / Math.sqrt(total)) * (Math.log(sigma) / 4);
        return (sigmaData ** 2 / total) * value + ((sigma * sigmaData) / Math.sqrt(total)) * f;
      });
      const found = tf.tidy(() =>
        denoise(
          echo,
          {},
          { sigmaData },
          tf.tensor2d([x]),
          Float32Array.of(sigma),
          tf.zeros([1, 2]),
        ).dataSync(),
      );
      found.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 5);
      });
    }
  });

  it('weighs the loss by (sigma² + sigma_data²) / (sigma sigma_data)², averaged over the values of an image', () => {
    const loss = tf.tidy(() =>
      scoreMatching(
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        tf.tensor2d([
          [0, 0],
          [3, 2],
        ]),
        Float32Array.of(1, 2),
        {
          sigmaData: 0.5,
        },
      ).dataSync(),
    );
    expect(loss[0]).toBeCloseTo(2.5 * (1.25 / 0.25), 5);
    expect(loss[1]).toBeCloseTo(2 * (4.25 / 1), 5);
  });

  it('scales images to [-1, 1] and points to the deviation sigma_data about the origin', () => {
    const images = toScaled(
      Float32Array.of(0, 0.5, 1),
      dataScale([0, 1], () => new Float32Array(), 0.5),
    );
    expect([...images]).toEqual([-1, 0, 1]);
    const points = Float32Array.of(3, -4, 5, -12);
    const scaled = toScaled(
      points.slice(),
      dataScale(null, () => points, 0.5),
    );
    expect(Math.sqrt(scaled.reduce((sum, v) => sum + v * v, 0) / 4)).toBeCloseTo(0.5, 6);
    expect(scaled[0]! / scaled[1]!).toBeCloseTo(-0.75, 6);
  });
});
