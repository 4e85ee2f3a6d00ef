import { expect, it } from 'vitest';
import { between, Motion } from './motion';
import { DAY, length, YEAR } from './view';

const day = { start: 10 * YEAR, end: 10 * YEAR + DAY };
const near = { start: day.start + 0.3 * DAY, end: day.start + 0.4 * DAY };

it('goes from one view to the other and keeps the point that they share', () => {
  expect(between(day, near, 0)).toEqual(day);
  expect(between(day, near, 1).start).toBeCloseTo(near.start, 3);
  const fixed = day.start + (0.3 / 0.9) * DAY;
  for (const part of [0.2, 0.5, 0.8]) {
    const view = between(day, near, part);
    expect((fixed - view.start) / length(view)).toBeCloseTo(1 / 3, 6);
  }
});

it('ends exactly at its goal', () => {
  const motion = new Motion(() => false);
  motion.glide(day, near, 0);
  expect(motion.goal(day)).toEqual(near);
  expect(motion.step(day, 10_000, 1000)).toEqual(near);
  expect(motion.running).toBe(false);
});

it('moves nothing over time for those who want less motion', () => {
  const motion = new Motion(() => true);
  expect(motion.glide(day, near, 0)).toEqual(near);
  motion.throw(5, 0);
  expect(motion.running).toBe(false);
});

it('comes to rest after it was thrown', () => {
  const motion = new Motion(() => false);
  motion.throw(2, 0);
  let view = day;
  let now = 0;
  while (motion.running && now < 60_000) view = motion.step(view, (now += 16), 1000);
  expect(now).toBeLessThan(5000);
  expect(view.start).toBeLessThan(day.start);
});
