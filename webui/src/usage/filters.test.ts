import { describe, expect, it } from 'vitest';
import { filterParameters, filtersFrom } from './filters';

const known = [{ name: ['Work'] }, { name: ['Work', 'Mail'] }, { name: ['Media'] }];

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
    expect(filterParameters({}, known)).toEqual({});
  });

  it('name the categories within the chosen one', () => {
    expect(filterParameters({ category: ['Work'] }, known)).toEqual({ category: ['["Work"]', '["Work","Mail"]'] });
    expect(filterParameters({ category: ['Gone'] }, known)).toEqual({ category: ['["Gone"]'] });
    expect(filterParameters({ category: ['Uncategorized'] }, known)).toEqual({ category: ['["Uncategorized"]'] });
  });

  it('are parameters of their names, whatever is in their texts', () => {
    const filters = { app: 'Code', title: 'C:\\ & "b"', domain: 'example.org', file: 'a,b.ts' };
    expect(filterParameters(filters, known)).toEqual({
      app: ['Code'],
      title: ['C:\\ & "b"'],
      domain: ['example.org'],
      file: ['a,b.ts'],
    });
  });
});
