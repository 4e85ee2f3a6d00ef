import { describe, expect, it } from 'vitest';
import { classifier } from './rules';

const category = (name: string[], rule: unknown) => ({ name, rule });

describe('the category of an event', () => {
  it('is the deepest that matches, and of equal ones the last', () => {
    const classify = classifier([
      category(['Work', 'Code'], { type: 'regex', regex: 'vim' }),
      category(['Work'], { type: 'regex', regex: 'vim|mail' }),
      category(['Fun', 'Editor'], { type: 'regex', regex: 'vim' }),
    ]);
    expect(classify({ app: 'vim' })).toEqual(['Fun', 'Editor']);
    expect(classify({ app: 'mail' })).toEqual(['Work']);
    expect(classify({ app: 'vi', count: 3 })).toBeNull();
  });

  it('goes by priority before depth', () => {
    const classify = classifier([
      category(['A'], { type: 'regex', regex: 'x', priority: 100 }),
      category(['B', 'C', 'D'], { type: 'regex', regex: 'x' }),
    ]);
    expect(classify({ title: 'x' })).toEqual(['A']);
  });

  it('knows upper case, fields, and rules made of rules', () => {
    const classify = classifier([
      category(['Video'], {
        type: 'and',
        rules: [
          { type: 'text', field: 'app', text: 'Firefox', whole: true },
          { type: 'regex', field: 'title', regex: '(?i)youtube' },
        ],
      }),
      category(['Other'], { type: 'not', rule: { type: 'regex', regex: 'firefox', ignore_case: true } }),
    ]);
    expect(classify({ app: 'Firefox', title: 'YOUTUBE' })).toEqual(['Video']);
    expect(classify({ app: 'YouTube', title: 'Firefox' })).toBeNull();
    expect(classify({ app: 'vim' })).toEqual(['Other']);
  });

  it('leaves out rules that a browser cannot read', () => {
    const classify = classifier([
      category(['A'], { type: 'regex', regex: '(?P<x>' }),
      category(['B'], { type: 'time', from: '09:00' }),
      category(['C'], { type: 'none' }),
      category(['D'], null),
    ]);
    expect(classify({ app: 'anything' })).toBeNull();
  });
});
