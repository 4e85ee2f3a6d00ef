import { expect, it } from 'vitest';
import { fromFile, toClasses, toFile } from './exchange';

const own = { type: 'and', rules: [{ type: 'text', field: 'app', text: 'Firefox' }] };
const categories = [
  { name: ['Work'], rule: { type: 'regex', regex: 'vim' }, data: { color: '#0F0' } },
  { name: ['Media'], rule: { type: 'none' } },
  { name: ['Media', 'Video'], rule: own },
];

it('writes a file that the standard web UI reads, and reads it back', () => {
  const file = toFile(toClasses(categories));
  expect(JSON.parse(file).categories[2]).toEqual({
    name: ['Media', 'Video'],
    rule: { type: 'none' },
    timberline: { rule: own },
  });
  expect(fromFile(file)).toEqual(categories);
});

it('reads a bare list, and both rules of a category that the standard web UI has changed', () => {
  const both = { name: ['a'], rule: { type: 'regex', regex: 'x' }, timberline: { rule: own } };
  expect(fromFile(JSON.stringify([both]))).toEqual([
    { name: ['a'], rule: { type: 'or', rules: [{ type: 'regex', regex: 'x' }, own] } },
  ]);
});

it('refuses what is no file of categories', () => {
  for (const text of ['', '{', '{}', '[1]', '{"categories": [{"name": []}]}', '{"buckets": {}}'])
    expect(fromFile(text)).toBeNull();
});
