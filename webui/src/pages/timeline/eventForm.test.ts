import { describe, expect, it } from 'vitest';
import { clockOf, fieldsOf, patchOf, secondsOf } from './eventForm';

const event = {
  bucket: 'b',
  id: 1,
  timestamp: '2026-03-02T08:00:00.123456Z',
  duration: 3723.5,
  data: { app: 'vim', count: 3, tags: ['a'] },
};
const ZONE = 'Europe/Berlin';

describe('the form of an event', () => {
  it('changes nothing that nobody touched', () => {
    expect(patchOf(event, fieldsOf(event, ZONE), ZONE)).toEqual({});
  });

  it('sends the start as it is on the clock of the zone', () => {
    const fields = { ...fieldsOf(event, ZONE), start: '2026-07-02T09:30' };
    expect(patchOf(event, fields, ZONE)).toEqual({ timestamp: '2026-07-02T07:30:00Z' });
  });

  it('sends changed, new and removed fields as a merge patch, and keeps their types', () => {
    const fields = fieldsOf(event, ZONE);
    fields.data = [
      { name: 'app', value: '3', text: true },
      { name: 'count', value: '4', text: false },
      { name: 'note', value: 'x', text: true },
    ];
    expect(patchOf(event, fields, ZONE)).toEqual({ data: { app: '3', count: 4, note: 'x', tags: null } });
  });

  it('says what cannot be read', () => {
    const fields = fieldsOf(event, ZONE);
    expect(patchOf(event, { ...fields, start: 'soon' }, ZONE)).toEqual({ problem: 'start' });
    expect(patchOf(event, { ...fields, duration: 'long' }, ZONE)).toEqual({ problem: 'duration' });
    const wrong = { ...fields, data: [{ name: 'count', value: '{', text: false }] };
    expect(patchOf(event, wrong, ZONE)).toEqual({ problem: { field: 'count' } });
  });
});

it('reads durations as people write them', () => {
  expect(clockOf(3723.5)).toBe('1:02:03.500');
  expect(['90', '1:30', '1:02:03.5', '0,5'].map(secondsOf)).toEqual([90, 90, 3723.5, 0.5]);
  expect(['', '-3', '1:2:3:4', 'x'].map(secondsOf)).toEqual([null, null, null, null]);
});
