import { api, ok } from '../../api';
import { toasts } from '../../design';
import { duration, t } from '../../text';
import { entryOf, type Entry, type StoredEvent } from './entries';

/** The bucket of the standard web UI, which shows the same entries. */
export const BUCKET = 'aw-stopwatch';
const PAGE = 200;

export interface Entries {
  readonly list: readonly Entry[];
  /** Where the list goes on; null at its end. */
  readonly next: string | null;
}

export async function loadEntries(signal?: AbortSignal, cursor?: string): Promise<Entries> {
  // Only the first start makes the bucket; whoever only looks leaves nothing behind.
  const buckets = await ok(api.GET('/api/0/buckets', { signal }));
  if (!Object.hasOwn(buckets, BUCKET)) return { list: [], next: null };
  const page = await ok(
    api.GET('/api/1/events', { params: { query: { bucket: [BUCKET], limit: PAGE, cursor } }, signal }),
  );
  if (typeof page === 'string') throw new Error('The server answered with a table.');
  return {
    list: page.events.map((event) => entryOf(event as StoredEvent)),
    next: page.events.length < PAGE ? null : page.next,
  };
}

async function makeBucket(): Promise<void> {
  const body = { client: 'aw-webui', type: 'general.stopwatch', hostname: 'unknown' };
  const params = { path: { bucket: BUCKET } };
  const { response } = await api.POST('/api/0/buckets/{bucket}', { params, body });
  // 304: there is one already.
  if (!response.ok && response.status !== 304) await ok(Promise.resolve({ response }));
}

/** The generated type of `data` is an object without members; it is any object. */
const dataOf = (label: string, tags: readonly string[], running: boolean) =>
  (tags.length === 0 ? { running, label } : { running, label, tags: [...tags] }) as never;

export const nameOf = (label: string): string => (label === '' ? t('stopwatch.noLabel') : label);

export async function start(label: string, tags: readonly string[]): Promise<void> {
  await makeBucket();
  const body = { timestamp: new Date().toISOString(), duration: 0, data: dataOf(label, tags, true) };
  const params = { path: { bucket: BUCKET }, query: { pulsetime: 1 } };
  await ok(api.POST('/api/0/buckets/{bucket}/heartbeat', { params, body }));
}

export async function stop(entry: Entry): Promise<void> {
  const seconds = Math.max((Date.now() - Date.parse(entry.start)) / 1000, 0);
  const undo = await patch(entry.id, { duration: seconds, data: { running: false } });
  toasts.done(t('stopwatch.stopped', { label: nameOf(entry.label), time: duration(seconds) }), undo);
}

export interface Change {
  start: string;
  duration: number;
  label: string;
  tags: readonly string[];
}

export async function change(
  entry: Entry,
  { start: timestamp, duration: seconds, label, tags }: Change,
): Promise<void> {
  const data = { label, tags: tags.length === 0 ? null : [...tags] };
  const undo = await patch(entry.id, entry.running ? { timestamp, data } : { timestamp, duration: seconds, data });
  toasts.done(t('stopwatch.changed', { label: nameOf(label) }), undo);
}

export async function add({ start: timestamp, duration: seconds, label, tags }: Change): Promise<void> {
  await makeBucket();
  const body = [{ timestamp, duration: seconds, data: dataOf(label, tags, false) }];
  const [stored] = await ok(
    api.POST('/api/0/buckets/{bucket}/events', { params: { path: { bucket: BUCKET } }, body: body as never }),
  );
  const undo = stored?.id === undefined || stored.id === null ? undefined : () => removeEvent(Number(stored.id));
  toasts.done(t('stopwatch.added', { label: nameOf(label), time: duration(seconds) }), undo);
}

export async function remove(entry: Entry): Promise<void> {
  await removeEvent(entry.id);
  const path = { bucket: BUCKET, event: entry.id };
  toasts.done(t('stopwatch.deleted', { label: nameOf(entry.label) }), async () => {
    const history = await ok(api.GET('/api/1/buckets/{bucket}/events/{event}/history', { params: { path } }));
    const deleted = history.changes.findLast((one) => one.what === 'deleted');
    if (deleted !== undefined) await ok(api.POST('/api/1/undo', { body: { seq: deleted.seq } }));
  });
}

async function removeEvent(event: number): Promise<void> {
  const params = { path: { bucket: BUCKET, event } };
  await ok(api.DELETE('/api/0/buckets/{bucket}/events/{event}', { params }));
}

async function patch(event: number, body: Record<string, unknown>): Promise<(() => Promise<unknown>) | undefined> {
  const params = { path: { bucket: BUCKET, event } };
  const { from, to } = await ok(api.PATCH('/api/1/buckets/{bucket}/events/{event}', { params, body }));
  if (from === null || to === null) return undefined;
  return () => ok(api.POST('/api/1/undo', { body: { from, to } }));
}
