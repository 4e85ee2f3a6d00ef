import { describe, expect, it } from 'vitest';
import type { Head } from '../../live';
import { changedBy } from './live';

const head = (id: number, at: string, duration: number, count: number): Head => ({
  bucket: 'b',
  type: 'currentwindow',
  count,
  last_updated: null,
  seq: 1,
  event: { id, timestamp: `2026-03-02T${at}:00Z`, duration, data: {} },
});
const time = (at: string) => Date.parse(`2026-03-02T${at}:00Z`);

describe('news of a bucket', () => {
  it('are at its end, if its newest event goes on', () => {
    expect(changedBy(head(1, '08:00', 60, 5), head(1, '08:00', 120, 5))).toEqual({
      start: time('08:00'),
      end: time('08:02') + 1,
    });
  });

  it('are at its end, if there is one more event', () => {
    expect(changedBy(head(1, '08:00', 60, 5), head(2, '08:05', 60, 6))).toEqual({
      start: time('08:00'),
      end: time('08:06') + 1,
    });
  });

  it('can be anywhere otherwise', () => {
    expect(changedBy(undefined, head(1, '08:00', 60, 5))).toBeNull();
    expect(changedBy(head(1, '08:00', 60, 5), head(1, '08:00', 60, 4))).toBeNull();
    expect(changedBy(head(2, '08:00', 60, 5), head(1, '07:00', 60, 4))).toBeNull();
  });
});
