import type { Schema } from '../api';
import { isPaused, type Watcher } from './words';

/** How long a pause lasts: so many seconds, until the next day begins, until an instant, or until somebody resumes. */
export type Pause = number | 'tomorrow' | { readonly until: string } | 'open';

/** What is sent for a pause. */
export function pauseBody(pause: Pause, zone: string): Partial<Schema<'WatcherPauseRequest'>> {
  if (typeof pause === 'number') return { seconds: pause };
  if (pause === 'open') return {};
  return pause === 'tomorrow' ? { until: pause, zone } : { until: pause.until };
}

export interface Again {
  readonly name: string | null;
  readonly pause: Pause;
}

/** The pauses that make a list of watchers paused as it was; those that are over meanwhile are not among them. */
export function pausesOf(before: readonly Watcher[], now: number): Again[] {
  const again = before.filter(isPaused).flatMap(({ name, paused }): Again[] => {
    const until = paused?.until ?? null;
    if (until === null) return [{ name, pause: 'open' }];
    return Date.parse(until) > now ? [{ name, pause: { until } }] : [];
  });
  const first = again[0];
  const alike = again.every((one) => JSON.stringify(one.pause) === JSON.stringify(first?.pause));
  // A pause of all is also one of those that come later.
  return first !== undefined && alike && again.length === before.length ? [{ name: null, pause: first.pause }] : again;
}
