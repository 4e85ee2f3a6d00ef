import { expect, it } from 'vitest';
import { backendsOf, isOnItsWay, lackOf, lookOf, titleOf, type Watcher } from './words';

const watcher: Watcher = {
  name: 'afk',
  program: null,
  enabled: true,
  paused: null,
  state: 'waiting',
  reason: 'no backend works on this desktop',
  backends: [
    { name: 'wayland', state: 'unavailable', reason: 'there is no compositor' },
    { name: 'x11', state: 'unavailable', reason: 'no X server' },
  ],
  restarts: 0,
};

it('says why the watcher does not learn through a better way', () => {
  expect(backendsOf(watcher)).toEqual({
    chosen: null,
    refused: [
      { name: 'wayland', why: 'there is no compositor' },
      { name: 'x11', why: 'no X server' },
    ],
  });
  const [first, second] = watcher.backends;
  if (first === undefined || second === undefined) throw new Error('two backends');
  const last = { name: 'spare', state: 'unavailable', reason: 'it would not be used anyway' };
  const by = { ...watcher, backends: [first, { ...second, state: 'chosen', reason: null }, last] };
  expect(backendsOf(by)).toEqual({
    chosen: 'x11',
    refused: [{ name: 'wayland', why: 'there is no compositor' }],
  });
});

it('names what is lacking only where the person wants something recorded', () => {
  expect([lookOf(watcher), lackOf(watcher)]).toEqual(['lack', 'watchers.noWay']);
  const alone = { ...watcher, backends: watcher.backends.slice(0, 1) };
  expect(lackOf(alone)).toBe('there is no compositor');
  for (const silenced of [
    { ...watcher, enabled: false, alarm: 'silent' },
    { ...watcher, paused: { since: '' }, alarm: 'silent' },
  ]) {
    expect([lookOf(silenced), lackOf(silenced)]).toEqual(['rest', null]);
  }
  expect([lookOf({ ...watcher, alarm: 'silent' }), lackOf({ ...watcher, alarm: 'silent' })]).toEqual([
    'alarm',
    'silent',
  ]);
  expect(lackOf({ ...watcher, state: 'recording', reason: null })).toBeNull();
});

it('takes a program of the name of a module for what it is', () => {
  expect(titleOf(watcher)).toBe('watchers.afk');
  expect(titleOf({ ...watcher, program: '/usr/bin/afk' })).toBe('afk');
});

it('is on its way until it does what is wanted', () => {
  const paused = { since: '' };
  const way = (state: Watcher['state'], enabled: boolean, pause: typeof paused | null = null) =>
    isOnItsWay({ ...watcher, state, enabled, paused: pause });
  expect([way('off', true), way('starting', true), way('running', false), way('recording', true, paused)]).toEqual(
    Array(4).fill(true),
  );
  expect([way('off', false), way('off', true, paused), way('running', true), way('waiting', true)]).toEqual(
    Array(4).fill(false),
  );
});
