import { api, ok } from '../../api';
import type { Span } from '../../timeline';
import { deleteEvent, type StoredEvent } from './edits';
import { iso, type Bucket } from './sources';

interface Kind {
  readonly id: string;
  readonly type: string;
  readonly client: string;
  readonly hostname: string;
}

/** The stopwatch's bucket of the standard web UI: a tag of a time is an entry of the stopwatch that was made afterwards. */
const STOPWATCH: Kind = { id: 'aw-stopwatch', type: 'general.stopwatch', client: 'aw-webui', hostname: 'unknown' };

/** The bucket of aw-watcher-ask-away, so that its answers and ours are in one place. */
const away = (host: string): Kind => ({
  id: `aw-watcher-ask-away_${host}`,
  type: 'afktask',
  client: 'timberline-webui',
  hostname: host,
});

/** Writes what somebody says about a time. The answer takes it back. */
export async function tagTime(span: Span, label: string, buckets: readonly Bucket[]): Promise<() => Promise<unknown>> {
  const known = buckets.find((bucket) => bucket.type === STOPWATCH.type);
  return write(known, STOPWATCH, span, { label, running: false });
}

export async function tellAway(
  span: Span,
  message: string,
  host: string,
  buckets: readonly Bucket[],
): Promise<() => Promise<unknown>> {
  const kind = away(host);
  const known = buckets.find((bucket) => bucket.type === kind.type && bucket.hostname === host);
  return write(known, kind, span, { message });
}

async function write(
  known: Bucket | undefined,
  kind: Kind,
  span: Span,
  data: Record<string, unknown>,
): Promise<() => Promise<unknown>> {
  const bucket = known?.id ?? kind.id;
  if (known === undefined) {
    const { type, client, hostname } = kind;
    await ok(api.POST('/api/0/buckets/{bucket}', { params: { path: { bucket } }, body: { type, client, hostname } }));
  }
  const event = { timestamp: iso(span.start), duration: (span.end - span.start) / 1000, data };
  const [stored] = await ok(
    api.POST('/api/0/buckets/{bucket}/events', { params: { path: { bucket } }, body: [event] as never }),
  );
  return () => deleteEvent({ ...event, bucket, id: stored?.id ?? 0 } as StoredEvent);
}
