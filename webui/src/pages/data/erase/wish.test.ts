import { expect, it } from 'vitest';
import { eraseOrder, type EraseWish } from './wish';

const wish: EraseWish = {
  what: 'events',
  bucket: '',
  events: [],
  pattern: '',
  field: '',
  replacement: '',
  from: '',
  to: '',
};
const order = (change: Partial<EraseWish>) => eraseOrder({ ...wish, ...change }, 'Europe/Berlin');

it('never asks to erase everything', () => {
  expect(order({})).toBeNull();
  expect(order({ bucket: 'b' })).toBeNull();
  expect(order({ what: 'bucket' })).toBeNull();
  expect(order({ what: 'text', pattern: 'x' })).toBeNull();
  expect(order({ what: 'text', field: 'title' })).toBeNull();
  expect(order({ pattern: 'x', from: 'never' })).toBeNull();
});

it('asks for what the form says', () => {
  expect(order({ bucket: 'b', pattern: 'bank', field: ' title ', to: '2026-07-01T12:00' })).toEqual({
    path: 'purge',
    body: { bucket: 'b', data: { pattern: 'bank', field: 'title' }, end: '2026-07-01T10:00:00Z' },
  });
  expect(order({ events: [1, 2], bucket: 'b' })).toEqual({ path: 'purge', body: { bucket: 'b', events: [1, 2] } });
  expect(order({ what: 'bucket', bucket: 'b', pattern: 'ignored' })).toEqual({
    path: 'purge',
    body: { bucket: 'b', whole_bucket: true },
  });
  expect(order({ what: 'text', field: 'title', pattern: 'x', replacement: '***' })).toEqual({
    path: 'redact',
    body: { field: 'title', pattern: 'x', replacement: '***' },
  });
});
