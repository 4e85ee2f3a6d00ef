import { numberFormat } from './formatters';

/** Durations and numbers as people read them. Everything takes its locale, so that it can be tested; see text.svelte.ts. */

const SECONDS = { d: 86_400, h: 3600, min: 60 } as const;

/** "3 h 12 min", "4 min 5 s", "0 s": the two largest units that matter. */
export function durationText(seconds: number, locale: string): string {
  if (!Number.isFinite(seconds)) return '–';
  const sign = seconds < 0 ? '−' : '';
  const whole = Math.round(Math.abs(seconds));
  const number = numberFormat(locale);
  if (whole >= SECONDS.h) {
    const minutes = Math.round(whole / SECONDS.min);
    return joined(sign, [number.format(Math.floor(minutes / 60)), 'h'], minutes % 60, 'min');
  }
  if (whole >= SECONDS.min) return joined(sign, [String(Math.floor(whole / 60)), 'min'], whole % 60, 's');
  return `${sign}${whole}\u00a0s`;
}

function joined(sign: string, large: [string, string], small: number, unit: string): string {
  const first = `${sign}${large[0]}\u00a0${large[1]}`;
  return small === 0 ? first : `${first} ${small}\u00a0${unit}`;
}

/** "3:12:07.250": every digit that is known, for the hover of a rounded duration. */
export function durationExact(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const sign = seconds < 0 ? '−' : '';
  const milliseconds = Math.round(Math.abs(seconds) * 1000);
  const whole = Math.floor(milliseconds / 1000);
  const rest = milliseconds % 1000;
  const two = (n: number) => String(n).padStart(2, '0');
  const clock = `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return sign + clock + (rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`);
}

/** Hours as a decimal number, for axes and timesheets: "3.2". */
export function hoursText(seconds: number, locale: string, digits = 1): string {
  return numberFormat(locale, { maximumFractionDigits: digits }).format(seconds / SECONDS.h);
}

export function bytesText(bytes: number, locale: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const unit = units[power] ?? 'byte';
  return numberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: power === 0 ? 0 : 1,
  }).format(bytes / 1000 ** power);
}
