import { expect, it } from 'vitest';
import { best } from './find';

it('finds what somebody meant, starts of words first', () => {
  const names = ['Go to Settings', 'Reset the layout', 'Set a goal', 'Timeline'];
  const found = (typed: string) => best(names, (n) => n, typed);
  expect(found('set')).toEqual(['Set a goal', 'Go to Settings', 'Reset the layout']);
  expect(found('GO  set')).toEqual(['Set a goal', 'Go to Settings']);
  expect(found('xyz')).toEqual([]);
  expect(found(' ')).toEqual(names);
});
