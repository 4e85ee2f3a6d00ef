import { expect, it } from 'vitest';
import { byUrgency, nameOf } from './findings';

const check = (name: string, outcome: 'ok' | 'warn' | 'fail') => ({ check: name, outcome, text: '' });

it('puts what does not work before what somebody should look at, and keeps the order otherwise', () => {
  const checks = [check('a', 'warn'), check('b', 'ok'), check('c', 'fail'), check('d', 'warn'), check('e', 'fail')];
  const { bad, good } = byUrgency(checks);
  expect(bad.map((one) => one.check)).toEqual(['c', 'e', 'a', 'd']);
  expect(good.map((one) => one.check)).toEqual(['b']);
});

it('shows a check of a newer server by the name that it has there', () => {
  expect(nameOf('disk space')).toBe('status.check.diskSpace');
  expect(nameOf('tides')).toBe('tides');
  expect(nameOf('constructor')).toBe('constructor');
});
