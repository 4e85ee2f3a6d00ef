import { describe, expect, it } from 'vitest';
import { mergePatch, readDuration, readObject, readTime, readValue, timeTyped, valueTyped } from './typed';

describe('what somebody types', () => {
  it('is a time on the clock of the zone, and back', () => {
    expect(timeTyped('2026-07-01T10:00:00.250Z', 'Europe/Berlin')).toBe('2026-07-01 12:00:00.25');
    expect(readTime('2026-07-01 12:00:00.25', 'Europe/Berlin')).toBe('2026-07-01T10:00:00.25Z');
    expect(readTime('2026-07-01T10:00:00Z', 'Europe/Berlin')).toBe('2026-07-01T10:00:00Z');
    for (const wrong of ['', 'noon', '2026-02-30 12:00', '2026-07-01 25:00']) expect(readTime(wrong, 'UTC')).toBeNull();
  });

  it('is a duration', () => {
    expect([readDuration('90'), readDuration('1,5'), readDuration('2:05'), readDuration('1:00:00.5')]).toEqual([
      90, 1.5, 125, 3600.5,
    ]);
    for (const wrong of ['', '-1', '1h', '1:2:3:4', '1.5:00', 'NaN']) expect(readDuration(wrong)).toBeNull();
  });

  it('keeps the type of the field', () => {
    expect(readValue('12', 'abc')).toBe('12');
    expect(readValue('12', 3)).toBe(12);
    expect(readValue('[1]', {})).toEqual([1]);
    expect(readValue('not json', 3)).toBe('not json');
    expect(valueTyped({ a: 1 })).toBe('{"a":1}');
  });

  it('is an object, or says why not', () => {
    expect(readObject('{"a": 1}')).toEqual({ data: { a: 1 } });
    expect(readObject('[1]')).toEqual({ problem: '[1]' });
    expect(readObject('{')).toHaveProperty('problem');
  });
});

it('makes the patch that leads from one object to the other', () => {
  expect(mergePatch({ a: 1, b: 2, c: { d: 1, e: 2 } }, { a: 1, c: { d: 3 }, f: [1] })).toEqual({
    b: null,
    c: { d: 3, e: null },
    f: [1],
  });
  expect(mergePatch({ a: [1] }, { a: [1] })).toBeNull();
});
