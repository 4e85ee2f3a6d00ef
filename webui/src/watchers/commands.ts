import { api, ok, type Schema } from '../api';
import { pauseBody, pausesOf, type Pause } from './pauses';
import type { Watcher } from './words';

export type WatcherList = Schema<'WatcherList'>;

const path = (name: string) => ({ params: { path: { name } } });

export function enable(name: string, on: boolean): Promise<WatcherList> {
  return ok(
    on ? api.POST('/api/1/watchers/{name}/enable', path(name)) : api.POST('/api/1/watchers/{name}/disable', path(name)),
  );
}

/** Pauses a watcher, or all. */
export function pause(name: string | null, length: Pause, zone: string): Promise<WatcherList> {
  const body = pauseBody(length, zone) as Schema<'WatcherPauseRequest'>;
  return ok(
    name === null
      ? api.POST('/api/1/watchers/pause', { body })
      : api.POST('/api/1/watchers/{name}/pause', { ...path(name), body }),
  );
}

/** Ends the pause of a watcher, or of all. */
export function resume(name: string | null): Promise<WatcherList> {
  return ok(name === null ? api.POST('/api/1/watchers/resume') : api.POST('/api/1/watchers/{name}/resume', path(name)));
}

/** Makes the watchers paused, or not, as they were. One that was paused does not run in between. */
export async function restorePauses(before: readonly Watcher[], zone: string): Promise<WatcherList> {
  const again = pausesOf(before, Date.now());
  if (again.length === 0) return resume(null);
  let list: WatcherList | undefined;
  const isPaused = (name: string) => again.some((one) => one.name === null || one.name === name);
  for (const { name } of before) if (!isPaused(name)) list = await resume(name);
  for (const { name, pause: length } of again) list = await pause(name, length, zone);
  return list ?? resume(null);
}
