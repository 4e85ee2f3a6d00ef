const MINUTE = 60;
const HOUR = 3600;
const STEPS = [5, 10, 15, 20, 30].map((m) => m * MINUTE);
const HOUR_STEPS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 24, 25, 40, 50, 80, 100, 200, 250, 400, 500, 1000].map(
  (h) => h * HOUR,
);

/** The marks of an axis of durations, from 0 to the first one that nothing exceeds: whole minutes or hours, five at most. */
export function durationTicks(longest: number): number[] {
  const steps = [...STEPS, ...HOUR_STEPS];
  const step = steps.find((s) => longest <= s * 4) ?? Math.ceil(longest / 4 / (1000 * HOUR)) * 1000 * HOUR;
  const count = Math.max(Math.ceil(longest / step), 1);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

/** Every how many columns there is room for a label. */
export function labelStride(columns: number, width: number, labelWidth: number): number {
  if (width <= 0 || columns === 0) return 1;
  const room = Math.max(Math.floor(width / labelWidth), 1);
  const exact = Math.ceil(columns / room);
  return [1, 2, 3, 4, 6, 7, 12, 14].find((stride) => stride >= exact) ?? exact;
}
