import { expect, it } from 'vitest';
import { momentFrom } from './moment';

it('takes a record or an instant for a moment, and nothing else', () => {
  for (const moment of ['0', '1234', '2026-03-02T10:00:00Z', '2026-03-02T11:00:00+01:00']) {
    expect(momentFrom(moment)).toBe(moment);
  }
  for (const other of [null, '', 'yesterday', '-1', '1e3', '2026-03-02', '<b>']) expect(momentFrom(other)).toBeNull();
});
