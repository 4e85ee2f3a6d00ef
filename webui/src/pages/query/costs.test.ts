import { expect, it } from 'vitest';
import { costsOf } from './costs';

const call = (name: string, seconds: number) => ({ line: 1, function: name, rows_in: 2, rows_out: null, seconds });
const period = { period: '', parse_seconds: 0.25, write_seconds: 0.5, result_bytes: 10 };

it('adds up to the whole run, with what lies between the calls', () => {
  const costs = costsOf({
    periods: [
      { ...period, run_seconds: 3, steps: [call('flood', 1), call('concat', 1)] },
      { ...period, run_seconds: 1, steps: [call('flood', 0.5)] },
    ],
  });
  expect(costs).toMatchObject({ parse: 0.25, run: 4, write: 1, bytes: 20 });
  expect(costs.steps.map(({ name, seconds, share }) => [name, seconds, share])).toEqual([
    ['flood', 1, 0.25],
    ['concat', 1, 0.25],
    ['flood', 0.5, 0.125],
    [null, 1.5, 0.375],
  ]);
  expect(costs.steps.reduce((all, { seconds }) => all + seconds, 0)).toBe(costs.run);
});

it('has shares also where nothing ran, or clocks disagree', () => {
  expect(costsOf({ periods: [] }).steps.map(({ share }) => share)).toEqual([0]);
  const late = costsOf({ periods: [{ ...period, run_seconds: 1, steps: [call('flood', 1.1)] }] });
  expect(late.steps.map(({ share }) => share)).toEqual([1, 0]);
});
