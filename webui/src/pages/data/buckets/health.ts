import type { BucketInfo } from './listing';

export type Health = 'live' | 'quiet' | 'silent' | 'empty';

const SOON = 600_000;
const LONG = 30 * 86_400_000;
/** Watchers that report all the time, even while nobody uses the machine. */
const STEADY = new Set(['currentwindow', 'afkstatus']);

/** The rule of `GET /api/1/status` (docs/status.md), which only an admin may read. */
export function health(bucket: BucketInfo, all: readonly BucketInfo[], now: number, serverHost: string): Health {
  if (bucket.last === null) return 'empty';
  const lag = now - Date.parse(bucket.last);
  if (lag <= SOON) return 'live';
  if (!STEADY.has(bucket.type) || lag >= LONG) return 'quiet';
  const machineIsOn =
    bucket.hostname === serverHost ||
    all.some((b) => b.hostname === bucket.hostname && b.last !== null && now - Date.parse(b.last) <= SOON);
  return machineIsOn ? 'silent' : 'quiet';
}
