import { expect, it } from 'vitest';
import { gridMove } from './keys';

const size = { rows: 1_000_000, columns: 5, page: 20 };
const press = (key: string, held = false) =>
  gridMove({ key, ctrlKey: held, metaKey: false, altKey: false }, { row: 10, column: 2 }, size);

it('moves in a grid and never out of it', () => {
  expect(press('ArrowDown')).toEqual({ row: 11, column: 2 });
  expect(press('PageUp')).toEqual({ row: 0, column: 2 });
  expect(press('End')).toEqual({ row: 10, column: 4 });
  expect(press('End', true)).toEqual({ row: 999_999, column: 4 });
  expect(press('Home', true)).toEqual({ row: 0, column: 0 });
  expect(press('x')).toBeNull();
  expect(
    gridMove({ key: 'End', ctrlKey: true, metaKey: false, altKey: false }, { row: 0, column: 0 }, { ...size, rows: 0 }),
  ).toEqual({ row: 0, column: 4 });
});
