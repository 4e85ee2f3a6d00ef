import type { Head } from '../../live';
import type { LiveSpan, Span } from '../../timeline';
import { bucketKey } from '../../timeline/tile';

/** The events that are going on, by lane. */
export function liveSpans(heads: Iterable<Head>): Map<string, LiveSpan> {
  const spans = new Map<string, LiveSpan>();
  for (const head of heads) {
    const span = liveSpan(head);
    if (span !== null) spans.set(bucketKey(head.bucket), span);
  }
  return spans;
}

export function liveSpan({ event }: Head): LiveSpan | null {
  if (event === null || event.data === null) return null;
  const start = Date.parse(event.timestamp);
  return { start, end: start + event.duration * 1000, id: event.id, data: event.data };
}

/**
 * What news of a bucket change: only its end, if the newest event goes on or has a successor; otherwise something before it, and it is not said where.
 */
export function changedBy(before: Head | undefined, now: Head): Span | null {
  const old = before === undefined ? null : liveSpan(before);
  const fresh = liveSpan(now);
  if (old === null || fresh === null || before === undefined) return null;
  const goesOn =
    fresh.id === old.id &&
    now.count === before.count &&
    (fresh.end !== old.end || fresh.data !== old.data) &&
    fresh.start === old.start;
  const nextOne = fresh.id !== old.id && now.count === before.count + 1 && fresh.start >= old.start;
  if (!goesOn && !nextOne) return null;
  return { start: Math.min(old.start, fresh.start), end: Math.max(old.end, fresh.end) + 1 };
}
