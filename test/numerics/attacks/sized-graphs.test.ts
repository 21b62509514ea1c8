/** In which graph a batch runs, and that it makes no difference. */
import { describe, expect, it } from 'vitest';
import { SizedGraphs } from '../../../stages/numerics/attacks/sized-graphs.ts';
import { tf } from '../../support/engine.ts';

/** Twice x, in a graph that takes its time: so that rows to spare cost something. */
const slowly = (x: tf.Tensor) => {
  let sum = x;
  for (let i = 0; i < 30; i++) sum = tf.add(tf.mul(tf.sin(sum), 0), x);
  return tf.add(sum, x);
};

function runs(graphs: SizedGraphs, rows: number): { given: number; values: number[] } {
  const given = graphs.rowsFor('f', rows);
  const x = tf.fill([given, 2000], rows);
  const result = graphs.run('f', rows, (input) => slowly(input!), [x]);
  const values = [...result.dataSync().slice(0, 3)];
  tf.dispose([x, result]);
  return { given, values };
}

describe('graphs by numbers of rows', () => {
  it('take fewer rows in a larger graph, until that has cost as much as recording', () => {
    const graphs = new SizedGraphs();
    expect(runs(graphs, 64)).toEqual({ given: 64, values: [128, 128, 128] });
    expect(runs(graphs, 16)).toEqual({ given: 64, values: [32, 32, 32] });
    let times = 1;
    while (runs(graphs, 16).given === 64 && times < 10_000) times++;
    expect(times).toBeGreaterThan(1);
    expect(times).toBeLessThan(10_000);
    expect(runs(graphs, 16)).toEqual({ given: 16, values: [32, 32, 32] });
    expect(runs(graphs, 32).given).toBe(64);
    graphs.dispose();
  });

  it('record what none is large enough for', () => {
    const graphs = new SizedGraphs();
    expect(runs(graphs, 16).given).toBe(16);
    expect(runs(graphs, 48)).toEqual({ given: 48, values: [96, 96, 96] });
    expect(runs(graphs, 32).given).toBe(48);
    graphs.dispose();
  });

  it('are given up by last use where they are many, and recorded anew', () => {
    const graphs = new SizedGraphs();
    for (let rows = 16; rows <= 160; rows += 16) expect(runs(graphs, rows).given).toBe(rows);
    // Those of 16 and 32 rows are gone.
    expect(graphs.rowsFor('f', 16)).toBe(48);
    graphs.dispose();
    expect(runs(graphs, 16).given).toBe(16);
    graphs.dispose();
  });
});
