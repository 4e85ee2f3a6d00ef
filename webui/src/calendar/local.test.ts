import { expect, it } from 'vitest';
import { fromLocalInput, toLocalInput } from './local';

it('shows an instant on the clock of the zone, and reads it back', () => {
  expect(toLocalInput('2026-07-01T10:00:00.250Z', 'Europe/Berlin')).toBe('2026-07-01T12:00:00');
  expect(fromLocalInput('2026-07-01T12:00:01', 'Europe/Berlin')).toBe('2026-07-01T10:00:01Z');
  expect(fromLocalInput('', 'Europe/Berlin')).toBeNull();
  expect(fromLocalInput('yesterday', 'Europe/Berlin')).toBeNull();
});

it('keeps what nobody has touched, even where a clock shows an hour twice', () => {
  const second = '2026-10-25T01:30:00.125Z'; // 02:30 for the second time
  const shown = toLocalInput(second, 'Europe/Berlin');
  expect(shown).toBe('2026-10-25T02:30:00');
  expect(fromLocalInput(shown, 'Europe/Berlin', second)).toBe(second);
  expect(fromLocalInput(shown.slice(0, 16), 'Europe/Berlin', second)).toBe(second);
});
