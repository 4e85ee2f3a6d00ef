import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { byName, categoryColors, NO_CATEGORY, PALETTE } from './palette';

describe('the colour of a category', () => {
  const color = categoryColors([
    { name: ['Work'], data: { color: '#abcdef' } },
    { name: ['Work', 'Mail'] },
    { name: ['Evil'], data: { color: 'red;background:url(//x)' } },
  ]);

  it('is its own, or that of its nearest parent', () => {
    expect(color(['Work'])).toBe('#abcdef');
    expect(color(['Work', 'Mail', 'Spam'])).toBe('#abcdef');
  });

  it('is otherwise one of the palette, always the same', () => {
    expect(PALETTE).toContain(color(['Media', 'Music']));
    expect(color(['Media'])).toBe(color(['Media', 'Music']));
    expect(color(['Evil'])).toBe(byName('Evil'));
    expect(color([])).toBe(NO_CATEGORY);
  });
});

it('tells roots apart whose names fall on the same colour', () => {
  const names = ['Work', 'Media', 'Comms', 'Home', 'Study', 'Health'].map((name) => ({ name: [name] }));
  const color = categoryColors(names);
  expect(new Set(names.map(({ name }) => color(name))).size).toBe(names.length);
});

it('is the palette of the tokens', () => {
  const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
  expect([...css.matchAll(/--category-\d+: (#\w+);/g)].map((m) => m[1])).toEqual([...PALETTE]);
});
