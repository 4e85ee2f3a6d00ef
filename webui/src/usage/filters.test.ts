import { describe, expect, it } from 'vitest';
import { categoryChoice, filtersFrom } from './filters';
import { UNNAMED } from './types';

const known = [
  { name: ['Work'], rule: { type: 'regex', regex: 'vim' } },
  { name: ['Work', 'Mail'], rule: { type: 'regex', regex: 'mutt', priority: 7 } },
  { name: ['Media'], rule: { type: 'none' } },
];

describe('filters', () => {
  it('come from the address, and what cannot be read is none', () => {
    const address = new Map([
      ['category', '["Work","Mail"]'],
      ['app', 'Code'],
      ['title', ''],
    ]);
    expect(filtersFrom((name) => address.get(name) ?? null)).toEqual({ category: ['Work', 'Mail'], app: 'Code' });
    expect(filtersFrom((name) => (name === 'category' ? '[1]' : null))).toEqual({});
    expect(filtersFrom((name) => (name === 'category' ? 'Work' : null))).toEqual({});
  });

  it('ask nothing of the server if there are none', () => {
    expect(categoryChoice({}, known)).toEqual({});
  });

  it('name the categories within the chosen one', () => {
    expect(categoryChoice({ category: ['Work'] }, known)).toEqual({ category: ['["Work"]', '["Work","Mail"]'] });
    expect(categoryChoice({ category: ['Gone'] }, known)).toEqual({ category: ['["Gone"]'] });
  });

  it('make rules of an app, with the priorities that the rules had', () => {
    const choice = categoryChoice({ app: 'Code' }, known);
    const here = { type: 'text', field: 'app', text: 'Code', whole: true };
    expect(JSON.parse(choice.categories ?? '')).toEqual([
      [['Work'], { type: 'and', rules: [{ type: 'regex', regex: 'vim' }, here], priority: 10 }],
      [['Work', 'Mail'], { type: 'and', rules: [{ type: 'regex', regex: 'mutt' }, here], priority: 7 }],
      [[UNNAMED], { type: 'and', rules: [here], priority: -1 }],
    ]);
    expect(choice.category).toEqual(['["Work"]', '["Work","Mail"]', JSON.stringify([UNNAMED])]);
  });

  it('ask for what has no category', () => {
    expect(categoryChoice({ app: 'Code', category: ['Uncategorized'] }, known).category).toEqual([
      JSON.stringify([UNNAMED]),
    ]);
    expect(categoryChoice({ category: ['Uncategorized'] }, known).category).toEqual(['["Uncategorized"]']);
  });
});
