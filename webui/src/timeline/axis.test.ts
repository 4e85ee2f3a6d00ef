import { describe, expect, it } from 'vitest';
import type { Calendar } from '../calendar';
import { axisOf } from './axis';
import { DAY, HOUR, length, LONGEST, SHORTEST, type Span } from './view';

const berlin: Calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' };
const at = (text: string) => Date.parse(text);
const axis = (span: Span, width = 1000, calendar = berlin) => axisOf(span, length(span) / width, calendar, 'en-GB');

describe('the axis', () => {
  it('has hours of the clock on the wall, below the name of the day', () => {
    const { ticks, stretches } = axis({ start: at('2026-03-02T03:00:00Z'), end: at('2026-03-03T03:00:00Z') });
    expect(ticks.slice(0, 3).map((tick) => tick.label)).toEqual(['04:00', '06:00', '08:00']);
    expect(stretches[0]).toMatchObject({ start: at('2026-03-02T03:00:00Z'), end: at('2026-03-03T03:00:00Z') });
    expect(stretches[0]?.label).toMatch(/^Monday,? 2 March 2026$/);
  });

  it('stays on round hours when clocks are put forward', () => {
    const { ticks } = axis({ start: at('2026-03-28T20:00:00Z'), end: at('2026-03-29T08:00:00Z') });
    expect(ticks.map((tick) => tick.label)).toEqual([
      '21:00',
      '22:00',
      '23:00',
      '00:00',
      '01:00',
      '03:00',
      '04:00',
      '05:00',
      '06:00',
      '07:00',
      '08:00',
      '09:00',
    ]);
    expect(ticks.every((tick, i) => i === 0 || tick.time - (ticks[i - 1]?.time ?? 0) === HOUR)).toBe(true);
  });

  it('has the hour twice that is there twice', () => {
    const { ticks } = axis({ start: at('2026-10-24T23:00:00Z'), end: at('2026-10-25T05:00:00Z') }, 700);
    expect(ticks.filter((tick) => tick.label === '02:00').map((tick) => tick.time)).toEqual([
      at('2026-10-25T00:00:00Z'),
      at('2026-10-25T01:00:00Z'),
    ]);
  });

  it('begins days when the person does', () => {
    const { ticks, stretches } = axis({ start: at('2026-03-22T00:00:00Z'), end: at('2026-04-03T00:00:00Z') });
    expect(ticks.find((tick) => tick.label.includes('30'))?.time).toBe(at('2026-03-30T02:00:00Z'));
    expect(stretches.map((stretch) => stretch.label)).toEqual(['March 2026', 'April 2026']);
  });

  it('shows weekends of 23 hours and more as one band a day', () => {
    const { weekends } = axis({ start: at('2026-03-27T00:00:00Z'), end: at('2026-03-31T00:00:00Z') });
    expect(weekends.map((day) => (day.end - day.start) / HOUR)).toEqual([23, 24]);
  });

  it('has room between its ticks at every zoom, in zones that do strange things', () => {
    for (const zone of [
      'Europe/Berlin',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'America/Sao_Paulo',
    ]) {
      for (let shown = SHORTEST; shown < LONGEST; shown *= 2.7) {
        const span = { start: at('2011-12-29T22:11:00Z'), end: at('2011-12-29T22:11:00Z') + shown };
        const { ticks } = axis(span, 1000, { ...berlin, zone });
        const perPixel = shown / 1000;
        const gaps = ticks.slice(1).map((tick, i) => (tick.time - (ticks[i]?.time ?? 0)) / perPixel);
        expect(ticks.length).toBeGreaterThan(0);
        // Around a change of the clock, and around a date that was left out, one gap may be smaller.
        expect(gaps.filter((gap) => gap < 50).length).toBeLessThanOrEqual(2);
        expect(gaps.every((gap) => gap >= 0)).toBe(true);
        expect(ticks.length).toBeLessThan(30);
      }
    }
  });

  it('names ten years by the year', () => {
    const { ticks } = axis({ start: at('2016-06-01T00:00:00Z'), end: at('2026-06-01T00:00:00Z') });
    expect(ticks.map((tick) => tick.label)).toContain('2020');
    expect(ticks.length * DAY).toBeGreaterThan(5 * DAY);
  });
});
