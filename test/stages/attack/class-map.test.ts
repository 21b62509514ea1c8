/** Which class of a model each class of a data set is. */
import { describe, expect, it } from 'vitest';
import { matchClasses, UNKNOWN } from '../../../stages/attack/class-map.ts';

const match = (data: string[], model: string[]) =>
  matchClasses(
    { owner: 'the data set pets', classNames: data },
    { owner: 'the model in m', classNames: model },
  );

describe('classes of model and data', () => {
  it('are matched by name, in whatever order', () => {
    expect(match(['cat', 'dog'], ['cat', 'dog'])).toEqual([0, 1]);
    expect(match(['cat', 'dog', 'bee'], ['bee', 'cat', 'dog'])).toEqual([1, 2, 0]);
  });

  it('are unknown where only the data have them', () => {
    expect(match(['cat', 'monkey', 'dog'], ['dog', 'frog', 'cat'])).toEqual([2, UNKNOWN, 0]);
  });

  it('stand for themselves where they are only numbered, if they are as many', () => {
    expect(match(['0', '1', '2'], ['cat', 'dog', 'bee'])).toEqual([0, 1, 2]);
    expect(() => match(['0', '1', '2'], ['cat', 'dog'])).toThrow(
      'Expected the model in m and the data set pets to have classes in common, found 2 and 3 of them: those of one are only numbered, which cannot be matched; choose a model of these data, or name the classes of the data set as the model does.',
    );
  });

  it('are refused where none is common', () => {
    expect(() => match(['cat', 'dog'], ['a', 'b', 'c', 'd'])).toThrow(
      'Expected the model in m and the data set pets to have classes in common, found 4 and 2 of them: no name is common (cat, dog and a, b, c, …); choose a model of these data, or name the classes of the data set as the model does.',
    );
  });
});
