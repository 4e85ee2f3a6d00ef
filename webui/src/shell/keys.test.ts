import { expect, it } from 'vitest';
import { keyName } from './keys';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) =>
  keyName({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

it('names a key the same on every keyboard', () => {
  expect(press('k', { ctrlKey: true })).toBe('Control+k');
  expect(press('K', { metaKey: true })).toBe('Control+k');
  expect(press('?', { shiftKey: true })).toBe('?');
  expect(press('ArrowLeft', { shiftKey: true })).toBe('Shift+ArrowLeft');
});
