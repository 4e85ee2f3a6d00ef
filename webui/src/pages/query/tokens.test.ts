import { describe, expect, it } from 'vitest';
import { tokenAt, tokensOf } from './tokens';

const show = (program: string) => tokensOf(program).map(({ from, to, kind }) => `${kind}:${program.slice(from, to)}`);

describe('the colours of a program', () => {
  it('are those of its parts', () => {
    expect(show('events = flood(query_bucket("a")); # "no string"\nRETURN = [1.5, true];')).toEqual([
      'function:flood',
      'function:query_bucket',
      'string:"a"',
      'comment:# "no string"',
      'result:RETURN',
      'number:1.5',
      'constant:true',
    ]);
    expect(show('if größe == 1 { x = f (2); } return __CATEGORIES__;')).toEqual([
      'keyword:if',
      'number:1',
      'function:f',
      'number:2',
      'keyword:return',
      'placeholder:__CATEGORIES__',
    ]);
  });

  it('know where a string ends', () => {
    expect(show(String.raw`"\.pdf\b" 'it\'s' "a # b"`)).toEqual([
      String.raw`string:"\.pdf\b"`,
      String.raw`string:'it\'s'`,
      'string:"a # b"',
    ]);
    expect(show(String.raw`["C:\"]`)).toEqual([String.raw`string:"C:\"`]);
    expect(show('"open')).toEqual(['string:"open']);
  });

  it('never end, whatever is written', () => {
    for (const odd of ['', '"', "'\\", '#', '1.', '((', '\\"']) expect(() => tokensOf(odd)).not.toThrow();
  });
});

it('finds the string around a place', () => {
  expect(tokenAt('f("ab")', 4)?.kind).toBe('string');
  expect(tokenAt('f("ab")', 1)).toBeNull();
});
