import { describe, expect, it } from 'vitest';
import { DEFAULTS } from './keys';
import { readSetting, readSettings } from './read';

describe('a setting', () => {
  it('is the default if it is missing or not what the key needs', () => {
    expect(readSettings({})).toEqual(DEFAULTS);
    expect(readSetting('startOfDay', '25:00')).toBe('04:00');
    expect(readSetting('startOfWeek', 'Friday')).toBe('Monday');
    expect(readSetting('theme', { dark: true })).toBe('auto');
    expect(readSetting('timberline.zone', 'Mars/Olympus')).toBe('');
  });

  it('is read as the standard web UI writes it', () => {
    expect(readSetting('durationDefault', '3600')).toBe(3600);
    expect(readSetting('startOfWeek', 'Saturday')).toBe('Saturday');
  });

  it('keeps the good entries of a list, with fields that we do not know', () => {
    const good = { name: ['Work'], rule: { type: 'regex', regex: 'x' }, data: { color: '#123456' }, later: 1 };
    expect(readSetting('classes', [good, null, { name: 'Work' }, 3, { name: ['A'] }])).toEqual([good]);
    expect(readSetting('classes', 'none')).toEqual([]);
  });
});
