import { describe, expect, it } from 'vitest';
import { add, change, itemsFrom, move, remove, rename, rowsOf, shift, toJson, type Item } from './tree';

const stored = [
  {
    id: 3,
    name: ['Work'],
    rule: { type: 'regex', regex: 'vim', priority: 5 },
    data: { color: '#0F0', score: 2, note: 'x' },
    other: 1,
  },
  { id: 4, name: ['Work', 'Mail'], rule: { type: 'regex', regex: '' } },
  { id: 5, name: ['Media', 'Music', 'Radio'], rule: { type: null } },
  { id: 6, name: 'Old', rule: { type: 'none' } },
];
const items = itemsFrom(stored);
const names = (list: readonly Item[]) =>
  rowsOf(list).map((row) => '  '.repeat(row.depth) + (row.item.name.at(-1) ?? ''));
const keyOf = (name: string) => items.find((item) => item.name.at(-1) === name)?.key ?? -1;

describe('the categories', () => {
  it('are sent as they were stored if nothing was changed', () => {
    expect(toJson(items)).toEqual([
      stored[0],
      stored[1],
      { ...stored[2], rule: { type: 'none' } },
      { ...stored[3], name: ['Old'] },
    ]);
  });

  it('are a tree, with parents that nobody has stored', () => {
    expect(names(items)).toEqual(['Work', '  Mail', 'Media', '  Music', '    Radio', 'Old']);
    expect(rowsOf(items, new Set([keyOf('Media')])).map((row) => row.item.name.at(-1))).toEqual([
      'Work',
      'Mail',
      'Media',
      'Old',
    ]);
  });

  it('show each stored category once, whatever the names', () => {
    const doubled = itemsFrom([
      ...stored,
      { name: ['Work'], rule: { type: 'none' } },
      { name: [] },
      null,
      { name: ['Old', 'x'] },
    ]);
    expect(rowsOf(doubled).length).toBeGreaterThanOrEqual(8);
    expect(new Set(rowsOf(doubled).map((row) => row.item.key)).size).toBe(rowsOf(doubled).length);
  });
});

describe('a change', () => {
  it('renames a category with all below it, and keeps names apart', () => {
    expect(names(rename(items, keyOf('Media'), 'Fun'))).toContain('    Radio');
    expect(rename(items, keyOf('Media'), 'Fun').find((i) => i.name.at(-1) === 'Radio')?.name).toEqual([
      'Fun',
      'Music',
      'Radio',
    ]);
    expect(names(rename(items, keyOf('Media'), 'Work'))).toContain('Work 2');
    expect(names(rename(items, keyOf('Media'), ' '))).toEqual(names(items));
  });

  it('moves a category with all below it', () => {
    expect(names(move(items, keyOf('Work'), ['Media'], null))).toEqual([
      'Media',
      '  Music',
      '    Radio',
      '  Work',
      '    Mail',
      'Old',
    ]);
    expect(names(move(items, keyOf('Old'), [], keyOf('Work')))).toEqual(['Old', ...names(items).slice(0, -1)]);
    expect(move(items, keyOf('Media'), ['Media', 'Music'], null)).toEqual(items);
  });

  it('is the same with keys', () => {
    expect(names(shift(items, keyOf('Media'), 'up'))).toEqual([
      'Media',
      '  Music',
      '    Radio',
      'Work',
      '  Mail',
      'Old',
    ]);
    expect(names(shift(items, keyOf('Work'), 'down'))).toEqual([
      'Media',
      '  Music',
      '    Radio',
      'Work',
      '  Mail',
      'Old',
    ]);
    expect(names(shift(items, keyOf('Media'), 'in'))).toEqual([
      'Work',
      '  Mail',
      '  Media',
      '    Music',
      '      Radio',
      'Old',
    ]);
    expect(names(shift(items, keyOf('Mail'), 'out'))).toEqual(['Work', 'Mail', 'Media', '  Music', '    Radio', 'Old']);
    for (const where of ['up', 'out'] as const) expect(shift(items, keyOf('Work'), where)).toEqual(items);
  });

  it('adds, removes and changes', () => {
    const { items: more, key } = add(items, ['Work'], 'Mail');
    expect(names(more)).toEqual(['Work', '  Mail', '  Mail 2', 'Media', '  Music', '    Radio', 'Old']);
    expect(toJson(more).at(2)).toEqual({ name: ['Work', 'Mail 2'], rule: { type: 'none' } });
    const ruled = change(more, key, { rule: { type: 'regex', regex: '' }, color: '#fff' });
    expect(toJson(ruled).at(2)).toEqual({ name: ['Work', 'Mail 2'], rule: { type: 'none' }, data: { color: '#fff' } });
    expect(names(remove(items, keyOf('Media')))).toEqual(['Work', '  Mail', 'Old']);
    expect(toJson(change(items, keyOf('Work'), { color: null, score: null })).at(0)?.['data']).toEqual({ note: 'x' });
  });
});
