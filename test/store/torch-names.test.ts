import { describe, expect, test } from 'vitest';
import { mapName, matchNames, type NamedShape } from '../../store/torch-names.ts';

/** `conv.weight 8,3` -> name and shape. */
const tensors = (...texts: string[]): NamedShape[] =>
  texts.map((text) => {
    const [name, shape = ''] = text.split(' ') as [string, string?];
    return { name, shape: shape === '' ? [] : shape.split(',').map(Number) };
  });
const names = (list: readonly NamedShape[]) => list.map(({ name }) => name);

const OURS = tensors('conv1.weight 8,3', 'bn1.weight 8', 'bn1.running_mean 8', 'linear.weight 2,8');
const COUNTERS = ['bn1.num_batches_tracked'];

describe('prefix', () => {
  test.each(['', 'module.', 'module.model.', '_orig_mod.'])('"%s" is found by itself', (prefix) => {
    const theirs = OURS.map(({ name, shape }) => ({ name: prefix + name, shape }));
    const match = matchNames(OURS, COUNTERS, theirs);
    expect(match).toMatchObject({ prefix, missing: [], unexpected: [], misshapen: [] });
    expect(Object.fromEntries(match.names)).toEqual(
      Object.fromEntries(names(OURS).map((name) => [name, prefix + name])),
    );
  });

  test('of two that are there, the first of the file counts, and the rest is unexpected', () => {
    const theirs = ['net.', 'ema.'].flatMap((prefix) =>
      OURS.map(({ name, shape }) => ({ name: prefix + name, shape })),
    );
    const match = matchNames(OURS, COUNTERS, theirs);
    expect(match.prefix).toBe('net.');
    expect(names(match.unexpected)).toEqual(names(OURS).map((name) => `ema.${name}`));
    expect(matchNames(OURS, COUNTERS, theirs, { prefix: 'ema.', ignore: ['net'] })).toMatchObject({
      prefix: 'ema.',
      missing: [],
      unexpected: [],
      idle: [],
    });
  });

  test('is the one that comes nearest where none has everything', () => {
    const theirs = tensors('module.conv1.weight 8,3', 'module.bn1.weight 8', 'head.linear.weight 2,8');
    const match = matchNames(OURS, COUNTERS, theirs);
    expect(match.prefix).toBe('module.');
    expect(names(match.missing)).toEqual(['bn1.running_mean', 'linear.weight']);
    expect(names(match.unexpected)).toEqual(['head.linear.weight']);
  });
});

describe('counters of batches', () => {
  test('are taken where they are, and never missed or unexpected', () => {
    const theirs = [...OURS, ...tensors('bn1.num_batches_tracked', 'bn7.num_batches_tracked')];
    const match = matchNames(OURS, COUNTERS, theirs);
    expect(match.names.get('bn1.num_batches_tracked')).toBe('bn1.num_batches_tracked');
    expect(match.unexpected).toEqual([]);
    expect(matchNames(OURS, COUNTERS, OURS).missing).toEqual([]);
  });
});

describe('other names', () => {
  test.each([
    ['linear.weight', 'fc.weight'],
    ['blocks.3.qkv.bias', 'h.3.attn.qkv.bias'],
    ['blocks.3.norm1.bias', 'h.3.norm1.bias'],
    ['bn1.weight', 'bn1.gamma'],
    ['bn1.bias', 'bn1.bias'],
    ['linearity.weight', 'linearity.weight'],
  ])('%s becomes %s: whole parts of names, the longest entry', (ours, theirs) => {
    const map = {
      linear: 'fc',
      'blocks.*': 'h.*',
      'blocks.*.qkv': 'h.*.attn.qkv',
      'bn1.weight': 'bn1.gamma',
    };
    expect(mapName(ours, map)).toBe(theirs);
  });

  test('are looked for behind the prefix, and named with it', () => {
    const theirs = tensors(
      'm.conv1.weight 8,3',
      'm.bn1.weight 8',
      'm.bn1.running_mean 8',
      'm.fc.weight 2,8',
      'm.bn1.num_batches_tracked',
    );
    const match = matchNames(OURS, COUNTERS, theirs, { map: { linear: 'fc' } });
    expect(match).toMatchObject({ prefix: 'm.', missing: [], unexpected: [] });
    expect(match.names.get('linear.weight')).toBe('m.fc.weight');
    expect(match.names.get('bn1.num_batches_tracked')).toBe('m.bn1.num_batches_tracked');
  });

  test('that are not there are told with the name that was looked for', () => {
    const { missing } = matchNames(OURS, COUNTERS, OURS, { map: { linear: 'fc' } });
    expect(missing).toEqual([{ name: 'linear.weight', shape: [2, 8], wanted: 'fc.weight' }]);
  });
});

describe('what does not fit', () => {
  test('is told by kind: missing, unexpected, of another shape', () => {
    const theirs = tensors('conv1.weight 8,1', 'bn1.weight 8', 'bn1.running_mean 8', 'extra.bias 9');
    const match = matchNames(OURS, COUNTERS, theirs);
    expect(names(match.missing)).toEqual(['linear.weight']);
    expect(match.unexpected).toEqual(tensors('extra.bias 9'));
    expect(match.misshapen).toEqual([{ name: 'conv1.weight', shape: [8, 3], found: [8, 1] }]);
  });

  test('may be left out by name or module, with or without the prefix; a name that is not there is told', () => {
    const theirs = [...OURS.map(({ name, shape }) => ({ name: `m.${name}`, shape }))].concat(
      tensors('m.aux.0.weight 4', 'norm.mean 3', 'normal 1'),
    );
    const match = matchNames(OURS, COUNTERS, theirs, { ignore: ['aux', 'norm', 'm.aux', 'nothing'] });
    expect(names(match.unexpected)).toEqual(['normal']);
    expect(match.idle).toEqual(['nothing']);
  });
});

describe('suggestions', () => {
  const suggest = (ours: string[], theirs: string[]) =>
    matchNames(tensors(...ours), [], tensors(...theirs)).suggestion;

  test('pair modules that hold the same, in the order of their numbers, and join them where that is safe', () => {
    const block = (name: string, i: number) => [`${name} 9,3`.replace('#', String(i))];
    const ours = [0, 1, 2, 10].flatMap((i) => block('blocks.#.qkv.weight', i));
    const theirs = [10, 0, 1, 2].flatMap((i) => block('blocks.#.attn.qkv.weight', i));
    expect(suggest([...ours, 'linear.bias 3'], [...theirs, 'fc.bias 3'])).toEqual({
      'blocks.*.qkv': 'blocks.*.attn.qkv',
      linear: 'fc',
    });
  });

  test('keep numbers where they are not the same on both sides', () => {
    expect(
      suggest(
        ['conv1.weight 8', 'conv.2.weight 9', 'conv.4.weight 9'],
        ['f.0.weight 8', 'f.3.weight 9', 'f.10.weight 9'],
      ),
    ).toEqual({ conv1: 'f.0', 'conv.2': 'f.3', 'conv.4': 'f.10' });
  });

  test('keep numbers where a joined entry would rename what fits already', () => {
    const kept = 'a.2.x.weight 5';
    expect(
      suggest(['a.0.x.weight 4', 'a.1.x.weight 4', kept], ['a.0.y.weight 4', 'a.1.y.weight 4', kept]),
    ).toEqual({
      'a.0.x': 'a.0.y',
      'a.1.x': 'a.1.y',
    });
  });

  test('pair single tensors only where the shape occurs once', () => {
    expect(suggest(['cls 1,4', 'n.weight 4', 'n.bias 4'], ['token 1,4', 'n.gamma 4', 'n.beta 4'])).toEqual({
      cls: 'token',
    });
  });

  test('are silent where nothing is alike', () => {
    expect(suggest(['a.weight 4'], ['b.weight 5'])).toEqual({});
  });
});
