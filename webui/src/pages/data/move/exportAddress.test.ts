import { expect, it } from 'vitest';
import { exportAddress, type ExportWish } from './exportAddress';

const wish: ExportWish = { format: 'csv', bucket: '', from: '', to: '', fields: '', asOf: null };
const calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' } as const;
const query = (change: Partial<ExportWish>) =>
  Object.fromEntries(new URL(exportAddress({ ...wish, ...change }, calendar), 'http://x').searchParams);

it('asks for whole days of the person, columns only of tables, and the state that the page shows', () => {
  expect(query({})).toEqual({ format: 'csv' });
  expect(query({ from: '2026-07-01', to: '2026-07-01', bucket: 'a&b', fields: ' app,, title ', asOf: '17' })).toEqual({
    format: 'csv',
    bucket: 'a&b',
    start: '2026-07-01T02:00:00Z',
    end: '2026-07-02T02:00:00Z',
    fields: 'app,title',
    as_of: '17',
  });
  expect(query({ format: 'json', fields: 'app' })).toEqual({ format: 'json' });
});
