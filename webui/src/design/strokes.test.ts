import { expect, it } from 'vitest';
import { strokesOf } from './strokes';

it('takes the keys of a command apart', () => {
  expect(strokesOf('g t')).toEqual([['g'], ['t']]);
  expect(strokesOf('Control+k')).toEqual([['Control', 'k']]);
  expect(strokesOf('+')).toEqual([['+']]);
  expect(strokesOf('Control++')).toEqual([['Control', '+']]);
});
