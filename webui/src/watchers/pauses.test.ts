import { expect, it } from 'vitest';
import { pauseBody, pausesOf } from './pauses';
import type { Watcher } from './words';

const watcher = (name: string, paused: Watcher['paused']): Watcher => ({
  name,
  enabled: true,
  paused,
  state: 'off',
  backends: [],
  restarts: 0,
});
const now = Date.parse('2026-05-12T10:00:00Z');
const later = '2026-05-12T11:00:00Z';

it('asks for each pause in the form of the API', () => {
  expect(pauseBody(900, 'Europe/Berlin')).toEqual({ seconds: 900 });
  expect(pauseBody('tomorrow', 'Europe/Berlin')).toEqual({ until: 'tomorrow', zone: 'Europe/Berlin' });
  expect(pauseBody({ until: later }, 'Europe/Berlin')).toEqual({ until: later });
  expect(pauseBody('open', 'Europe/Berlin')).toEqual({});
});

it('takes a pause back to what each watcher was before', () => {
  const paused = [watcher('a', { since: '', until: later }), watcher('b', null), watcher('c', { since: '' })];
  expect(pausesOf(paused, now)).toEqual([
    { name: 'a', pause: { until: later } },
    { name: 'c', pause: 'open' },
  ]);
  expect(pausesOf(paused, Date.parse(later))).toEqual([{ name: 'c', pause: 'open' }]);
});

it('pauses all again where all were paused alike, so that those that come later are too', () => {
  const all = ['a', 'b'].map((name) => watcher(name, { since: '', until: later }));
  expect(pausesOf(all, now)).toEqual([{ name: null, pause: { until: later } }]);
});
