import { expect, it } from 'vitest';
import { health } from './health';
import type { BucketInfo } from './listing';

const now = Date.parse('2026-11-29T12:00:00Z');
const bucket = (id: string, type: string, hostname: string, minutesAgo: number | null): BucketInfo => ({
  id,
  type,
  client: '',
  hostname,
  created: '',
  count: 1,
  first: null,
  last: minutesAgo === null ? null : new Date(now - minutesAgo * 60_000).toISOString(),
  aliases: [],
  archived: false,
});

it('calls a watcher silent only if its machine is on and it should report', () => {
  const window = bucket('w', 'currentwindow', 'laptop', 30);
  const web = bucket('b', 'web.tab.current', 'laptop', 30);
  const afk = bucket('a', 'afkstatus', 'laptop', 5);
  expect(health(window, [window, web, afk], now, 'desk')).toBe('silent');
  expect(health(window, [window, web], now, 'desk')).toBe('quiet');
  expect(health(window, [window], now, 'laptop')).toBe('silent');
  expect(health(web, [web, afk], now, 'laptop')).toBe('quiet');
  expect(health(afk, [afk], now, 'desk')).toBe('live');
  expect(health(bucket('o', 'currentwindow', 'laptop', 60 * 24 * 40), [], now, 'laptop')).toBe('quiet');
  expect(health(bucket('e', 'currentwindow', 'laptop', null), [], now, 'laptop')).toBe('empty');
});
