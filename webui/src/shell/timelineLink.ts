import { link } from './router.svelte';

/** The timeline around an event: with as much before and after it as it is long, and at least some minutes. */
export function timelineAt(start: string, end: string): string {
  const from = Date.parse(start);
  const to = Date.parse(end);
  const margin = Math.max((to - from) / 2, 5 * 60_000);
  const at = (time: number) => new Date(time).toISOString();
  return link('/timeline', { start: at(from - margin), end: at(to + margin) });
}
