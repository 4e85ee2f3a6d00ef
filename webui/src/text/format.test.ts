import { describe, expect, it } from 'vitest';
import { bytesText, durationExact, durationText, hoursText } from './format';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('a duration', () => {
  it('shows the two largest units', () => {
    expect(plain(durationText(11_520, 'en'))).toBe('3 h 12 min');
    expect(plain(durationText(3600, 'en'))).toBe('1 h');
    expect(plain(durationText(245.4, 'en'))).toBe('4 min 5 s');
    expect(plain(durationText(0, 'en'))).toBe('0 s');
    expect(plain(durationText(3_600_000 * 2.5, 'de'))).toBe('2.500 h');
  });

  it('never shows sixty of anything', () => {
    expect(plain(durationText(59.7, 'en'))).toBe('1 min');
    expect(plain(durationText(3599.6, 'en'))).toBe('1 h');
    expect(plain(durationText(7199, 'en'))).toBe('2 h');
  });

  it('can be negative, for a difference', () => {
    expect(plain(durationText(-90, 'en'))).toBe('−1 min 30 s');
  });

  it('is exact on demand', () => {
    expect(durationExact(11_527.25)).toBe('3:12:07.250');
    expect(durationExact(0)).toBe('0:00:00');
    expect(durationExact(-0.001)).toBe('−0:00:00.001');
  });
});

it('writes numbers in the language', () => {
  expect(hoursText(11_520, 'de')).toBe('3,2');
  expect(plain(bytesText(1_234_567, 'en'))).toBe('1.2 MB');
  expect(plain(bytesText(999, 'en'))).toBe('999 byte');
});
