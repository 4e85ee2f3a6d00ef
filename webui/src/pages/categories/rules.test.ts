import { describe, expect, it } from 'vitest';
import { complete, escaped, negate, readRule, ruleLine, withChild, withCondition, type Rule } from './rules';

const regex = (text: string): Rule => ({ type: 'regex', regex: text });

describe('a rule', () => {
  it('gets conditions, and loses them again', () => {
    const one = withCondition({ type: 'none' }, regex('a'));
    expect(one).toEqual(regex('a'));
    const two = withCondition(one, regex('b'), 'or');
    expect(two).toEqual({ type: 'or', rules: [regex('a'), regex('b')] });
    expect(withCondition(two, regex('c')).rules).toHaveLength(3);
    expect(withChild(two, 0, null)).toEqual(regex('b'));
    expect(withChild(two, 1, regex('x'))).toEqual({ type: 'or', rules: [regex('a'), regex('x')] });
  });

  it('can be turned round, and back', () => {
    expect(negate(negate(regex('a')))).toEqual(regex('a'));
  });

  it('is stored without what nobody has filled in', () => {
    expect(complete(regex(''))).toBeNull();
    expect(
      complete({ type: 'and', rules: [regex('a'), regex(''), { type: 'not', rule: { type: 'text', text: '' } }] }),
    ).toEqual({
      type: 'and',
      rules: [regex('a')],
    });
    expect(complete({ type: 'time', weekdays: [] })).toBeNull();
    expect(complete({ type: 'between', from: '2026-01-01T00:00:00Z' })).not.toBeNull();
    expect(complete({ type: 'of the future', power: 9 })).toEqual({ type: 'of the future', power: 9 });
  });

  it('is one line in the tree', () => {
    const words = { not: 'not', and: '&', or: 'or', day: (name: string) => name.slice(0, 2) };
    const rule: Rule = {
      type: 'and',
      rules: [
        { type: 'or', rules: [regex('a'), { type: 'text', text: 'b' }] },
        { type: 'not', rule: { type: 'time', weekdays: ['monday'], from: '09:00', to: '17:00' } },
      ],
    };
    expect(ruleLine(rule, words)).toBe('(a or “b”) & not mo 09:00–17:00');
  });

  it('is nothing if it cannot be read', () => {
    for (const value of [null, undefined, 'x', [], { type: null }]) expect(readRule(value)).toEqual({ type: 'none' });
  });
});

it('escapes a text for an expression', () => {
  const text = 'C++ (x64) [a-b] $1.5 #1 & ~';
  expect(new RegExp(`^${escaped(text).replace(/\\([#&~-])/g, '$1')}$`).test(text)).toBe(true);
});
