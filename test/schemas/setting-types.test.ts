/** ε as papers write it. */
import { describe, expect, it } from 'vitest';
import { jsonSchema } from '../../pipeline/config/json-schema.ts';
import { problemsOf } from '../../pipeline/config/problems.ts';
import { distance, eps } from '../../schemas/setting-types.ts';

describe('ε', () => {
  it('is a number, or a fraction as text', () => {
    expect(eps.parse('8/255')).toBe(8 / 255);
    expect(eps.parse(' 0.5 / 2 ')).toBe(0.25);
    expect(eps.parse(0)).toBe(0);
    expect(eps.parse('0/255')).toBe(0);
    expect(distance.parse('1/4')).toBe(0.25);
  });

  it('of another form is told in a sentence that says what is expected', () => {
    const told = (schema: typeof eps | typeof distance, value: unknown) =>
      problemsOf(schema, value).map(({ expected }) => expected);
    expect(told(eps, 'abc')).toEqual(['a number or a fraction such as 8/255']);
    expect(told(eps, '8/0')).toEqual(['a number or a fraction such as 8/255']);
    expect(told(eps, '-1/3')).toEqual(['a number or a fraction such as 8/255']);
    expect(told(eps, -1)).toEqual(['a number >= 0']);
    expect(told(eps, true)).toEqual(['a number or a text']);
    expect(told(distance, 0)).toEqual(['a number > 0']);
    expect(told(distance, '0/255')).toEqual(['a number > 0']);
  });

  it('is a number or a pattern for editors', () => {
    const text = JSON.stringify(jsonSchema());
    expect(text).toContain('{"anyOf":[{"type":"number","minimum":0},{"type":"string","pattern":');
  });
});
