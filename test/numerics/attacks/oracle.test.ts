/** The classifier as attacks ask it, against the tape, against differences, and against itself in other company. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Answer, LossName } from '../../../stages/numerics/attacks/attack.ts';
import { losses } from '../../../stages/numerics/attacks/losses.ts';
import { type LogitsOf, makeOracle, type Question } from '../../../stages/numerics/attacks/oracle.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { initializeParameters, loadParameters } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../support/engine.ts';
import { configOf } from '../../support/stage-context.ts';

const SHAPE = [8, 8, 2];
const SIZE = 128;
const CLASSES = 5;
const LOSSES = Object.keys(losses) as LossName[];

beforeAll(registerGradients);

/** Two convolutions and a dense layer of random weights; as many values as the engine's batched kernels like. */
function convolutional(): LogitsOf {
  const layers = [
    { kind: 'conv', channels: 6 },
    'tanh',
    { kind: 'conv', channels: 4, stride: 2 },
    'tanh',
    'flatten',
    'dense',
  ];
  const { network } = configOf({ train: { network: { kind: 'cnn', layers } } }).train;
  const classifier = makeClassifier(network, SHAPE, CLASSES);
  const flat = initializeParameters(classifier.parameters, randomStream('oracle'));
  const weights = loadParameters(classifier.parameters, flat);
  return (x) => classifier.logits(weights, x);
}

function questions(count: number, loss: LossName | null): Question[] {
  return Array.from({ length: count }, (_, i) => {
    const random = randomStream('point', i);
    const x = Float32Array.from({ length: SIZE }, () => random.uniform());
    return { query: { x, loss, target: (i + 2) % CLASSES }, label: i % CLASSES };
  });
}

const sameBits = (one: Answer, other: Answer) => {
  expect(one.logits).toEqual(other.logits);
  expect(one.gradient).toEqual(other.gradient);
  expect(one.loss).toEqual(other.loss);
};

describe('the answers', () => {
  it('are the logits of the classifier where no loss is asked for', () => {
    const logitsOf = convolutional();
    const oracle = makeOracle(logitsOf, SHAPE, CLASSES);
    const asked = questions(21, null);
    const answers = oracle.ask(asked);
    const x = tf.tensor(new Float32Array(asked.flatMap(({ query }) => [...query.x])), [21, ...SHAPE]);
    const expected = logitsOf(x).arraySync();
    answers.forEach(({ logits, loss, gradient }, i) => {
      expected[i]!.forEach((value, k) => {
        expect(logits[k]).toBeCloseTo(value, 5);
      });
      expect(loss).toBeNaN();
      expect(gradient).toHaveLength(0);
    });
    oracle.dispose();
  });

  it.each(LOSSES)('are the loss %s and its slope along any way, as differences have it', (loss) => {
    const oracle = makeOracle(convolutional(), SHAPE, CLASSES);
    const asked = questions(6, loss);
    const random = randomStream('way');
    const way = Float32Array.from({ length: SIZE }, () => random.normal());
    const shifted = (step: number) =>
      oracle.ask(
        asked.map(({ query, label }) => ({
          query: { ...query, x: query.x.map((value, j) => value + step * way[j]!) },
          label,
        })),
      );
    const [answers, up, down] = [oracle.ask(asked), shifted(2e-3), shifted(-2e-3)];
    answers.forEach(({ gradient }, i) => {
      const slope = gradient.reduce((sum, value, j) => sum + value * way[j]!, 0);
      const difference = (up[i]!.loss - down[i]!.loss) / 4e-3;
      expect(Math.abs(slope - difference)).toBeLessThan(5e-3 * (1 + Math.abs(slope)));
    });
    oracle.dispose();
  });

  it('have the gradient that the tape of tf gives for the cross entropy', () => {
    const logitsOf = convolutional();
    const oracle = makeOracle(logitsOf, SHAPE, CLASSES);
    const asked = questions(3, 'ce');
    oracle.ask(asked).forEach(({ loss, gradient }, i) => {
      const { query, label } = asked[i]!;
      const entropy = (x: tf.Tensor) => {
        const z = logitsOf(x);
        return tf.sum(tf.sub(tf.log(tf.sum(tf.exp(z))), tf.slice(z, [0, label], [1, 1]))) as tf.Scalar;
      };
      const { value, grad } = tf.valueAndGrad(entropy)(tf.tensor(query.x, [1, ...SHAPE]));
      expect(loss).toBeCloseTo(value.dataSync()[0]!, 5);
      grad.dataSync().forEach((slope, j) => {
        expect(gradient[j]).toBeCloseTo(slope, 5);
      });
    });
    oracle.dispose();
  });

  it('are the same to the last bit in every company', () => {
    const oracle = makeOracle(convolutional(), SHAPE, CLASSES);
    for (const loss of [null, 'ce', 'dlr-targeted'] as const) {
      const asked = questions(150, loss);
      const together = oracle.ask(asked);
      for (const i of [0, 1, 37, 149]) sameBits(oracle.ask([asked[i]!])[0]!, together[i]!);
      // Until so few rows have paid for a graph of their own, and in that graph.
      for (let time = 0; time < 60; time++) {
        sameBits(oracle.ask(asked.slice(40, 44))[3]!, together[43]!);
        sameBits(oracle.ask(asked.slice(20, 60))[23]!, together[43]!);
      }
      oracle.ask(asked.slice(11, 18)).forEach((answer, i) => {
        sameBits(answer, together[11 + i]!);
      });
      oracle
        .ask(asked.slice(0, 64).reverse())
        .reverse()
        .forEach((answer, i) => {
          sameBits(answer, together[i]!);
        });
    }
    oracle.dispose();
  });

  it('do not tell one image of a NaN in another', () => {
    const oracle = makeOracle(convolutional(), SHAPE, CLASSES);
    const asked = questions(5, 'ce');
    const clean = oracle.ask(asked);
    asked[2]!.query.x = new Float32Array(SIZE).fill(Number.NaN);
    const answers = oracle.ask(asked);
    for (const i of [0, 1, 3, 4]) sameBits(answers[i]!, clean[i]!);
    expect(answers[2]!.logits.every(Number.isNaN)).toBe(true);
    oracle.dispose();
  });

  it('belong to the asker: writing over one changes no other', () => {
    const oracle = makeOracle(convolutional(), SHAPE, CLASSES);
    const asked = questions(3, 'ce');
    const [first, second] = oracle.ask(asked);
    const before = { logits: second!.logits.slice(), gradient: second!.gradient.slice(), loss: second!.loss };
    first!.gradient.fill(7);
    first!.logits.fill(7);
    sameBits(second!, before);
    sameBits(oracle.ask(asked)[1]!, before);
    oracle.dispose();
  });

  it('to no question are none', () => {
    expect(makeOracle(convolutional(), SHAPE, CLASSES).ask([])).toEqual([]);
    expect(makeOracle(convolutional(), SHAPE, CLASSES, { changes: true }).ask([])).toEqual([]);
  });
});

describe('a classifier that changes', () => {
  it.each([null, ...LOSSES])('has the answers of the recorded one, to rounding: %s', (loss) => {
    const logitsOf = convolutional();
    const recorded = makeOracle(logitsOf, SHAPE, CLASSES);
    const direct = makeOracle(logitsOf, SHAPE, CLASSES, { changes: true });
    const asked = questions(19, loss);
    const expected = recorded.ask(asked);
    direct.ask(asked).forEach((answer, i) => {
      const all = ({ logits, loss: value, gradient }: Answer) => [...logits, value, ...gradient];
      const other = all(expected[i]!);
      const largest = Math.max(1, ...other.filter(Number.isFinite).map(Math.abs));
      all(answer).forEach((value, j) => {
        if (Number.isNaN(other[j]!)) expect(value).toBeNaN();
        else expect(Math.abs(value - other[j]!)).toBeLessThan(1e-5 * largest);
      });
    });
    recorded.dispose();
  });

  it('is asked anew each time, while the recorded one stays as it was', () => {
    const weight = tf.variable(tf.scalar(1));
    const logitsOf: LogitsOf = (x) =>
      tf.mul(tf.slice(tf.reshape(x, [-1, SIZE]), [0, 0], [-1, CLASSES]), weight) as tf.Tensor2D;
    const [recorded, direct] = [false, true].map((changes) =>
      makeOracle(logitsOf, SHAPE, CLASSES, { changes }),
    );
    const asked = questions(2, 'margin');
    const first = recorded!.ask(asked)[0]!.logits[0]!;
    weight.assign(tf.scalar(3));
    expect(recorded!.ask(asked)[0]!.logits[0]).toBe(first);
    expect(direct!.ask(asked)[0]!.logits[0]).toBeCloseTo(3 * first, 5);
    recorded!.dispose();
    weight.dispose();
  });
});

describe('the memory', () => {
  it.each([false, true])('holds no more tensors after a question than before; changing: %s', (changes) => {
    const oracle = makeOracle(convolutional(), SHAPE, CLASSES, { changes });
    const ask = () => {
      for (const loss of [null, ...LOSSES]) oracle.ask(questions(20, loss));
    };
    ask();
    const before = tf.memory().numTensors;
    ask();
    ask();
    expect(tf.memory().numTensors).toBe(before);
    oracle.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps few graphs; answers stay the same when one that was given up is asked for again', () => {
    const oracle = makeOracle(convolutional(), SHAPE, CLASSES);
    const kinds = [16, 32, 64].flatMap((count) =>
      ([null, 'ce', 'dlr', 'margin'] as const).map((loss) => questions(count, loss)),
    );
    expect(kinds.length).toBeGreaterThan(8);
    const first = kinds.map((asked) => oracle.ask(asked));
    kinds.toReversed().forEach((asked, k) => {
      oracle.ask(asked).forEach((answer, i) => {
        sameBits(answer, first[kinds.length - 1 - k]![i]!);
      });
    });
    oracle.dispose();
  });
});
