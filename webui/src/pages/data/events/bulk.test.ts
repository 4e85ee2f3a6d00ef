import { expect, it } from 'vitest';
import { bulkBody, type BulkWish } from './bulk';

const wish: BulkWish = { text: '', field: '', from: '', to: '', act: 'delete', name: 'app', value: 'Vim', shift: '0' };

it('asks for what the form says', () => {
  expect(bulkBody('b', wish, 'UTC')).toEqual({ bucket: 'b' });
  expect(bulkBody('b', { ...wish, text: ' vi.m ', field: 'app', act: 'set' }, 'UTC')).toEqual({
    bucket: 'b',
    field: 'app',
    regex: '(?i)vi\\.m',
    change: { data: { app: 'Vim' } },
  });
  expect(bulkBody('b', { ...wish, text: 'x', from: '2026-07-01T12:00', act: 'remove' }, 'Europe/Berlin')).toEqual({
    bucket: 'b',
    text: 'x',
    start: '2026-07-01T10:00:00Z',
    change: { data: { app: null } },
  });
});

it('asks for nothing that would do nothing', () => {
  expect(bulkBody('b', { ...wish, act: 'shift' }, 'UTC')).toBeNull();
  expect(bulkBody('b', { ...wish, act: 'set', name: '' }, 'UTC')).toBeNull();
});
