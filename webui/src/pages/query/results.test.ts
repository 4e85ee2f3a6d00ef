import { describe, expect, it } from 'vitest';
import { bestKey, cellText, keysOf, partsOf, sumsBy, toCsv, type ResultEvent } from './results';

const event = (duration: number, data: Record<string, unknown>): ResultEvent => ({
  id: 1,
  timestamp: '2026-05-01T10:00:00Z',
  duration,
  data,
});
const events = [event(2, { app: 'a', title: 'x,"y"' }), event(3, { app: 'b' }), event(4, { app: 'a', n: [1] })];

describe('a result', () => {
  it('is shown in parts', () => {
    const parts = partsOf({ window: { events, empty: [] }, duration: 9, odd: {} });
    expect(parts.map((part) => [part.path, part.kind])).toEqual([
      ['window.events', 'events'],
      ['window.empty', 'value'],
      ['duration', 'value'],
      ['odd', 'value'],
    ]);
    expect(partsOf(events)).toEqual([{ path: '', kind: 'events', events }]);
    expect(partsOf(null)).toEqual([{ path: '', kind: 'value', value: null }]);
    expect(partsOf([{ timestamp: 1 }])[0]?.kind).toBe('value');
  });

  it('is added up and labelled', () => {
    expect(keysOf(events)).toEqual(['app', 'title', 'n']);
    expect(bestKey(events)).toBe('app');
    expect(sumsBy(events, 'app')).toEqual([
      { name: 'a', seconds: 6 },
      { name: 'b', seconds: 3 },
    ]);
    expect(cellText(['Work', 'Mail'])).toBe('Work › Mail');
  });

  it('is written as CSV', () => {
    expect(toCsv(events).split('\r\n')).toEqual([
      'timestamp,duration,app,n,title',
      '2026-05-01T10:00:00Z,2,a,,"x,""y"""',
      '2026-05-01T10:00:00Z,3,b,,',
      '2026-05-01T10:00:00Z,4,a,[1],',
      '',
    ]);
  });
});
