import { api, ok } from '../../api';
import type { components, operations } from '../../api/schema';

export type EventPatch = components['schemas']['EventPatch'];
export type Edited = components['schemas']['EventsEdited'];
export type Change = components['schemas']['EventChanges'];
export type Preview = components['schemas']['BulkEdited'];

export interface StoredEvent {
  readonly bucket: string;
  readonly id: number;
  readonly timestamp: string;
  readonly duration: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The records of a change, by which it is undone. */
interface Records {
  readonly from?: number | null;
  readonly to?: number | null;
}

/** What takes the change back; undefined if nothing was changed. */
export function undoOf({ from, to }: Records): (() => Promise<unknown>) | undefined {
  if (typeof from !== 'number' || typeof to !== 'number') return undefined;
  return () => ok(api.POST('/api/1/undo', { body: { from, to } }));
}

export async function loadEvent(bucket: string, event: number, signal: AbortSignal): Promise<StoredEvent> {
  const params = { path: { bucket, event } };
  const found = await ok(api.GET('/api/0/buckets/{bucket}/events/{event}', { params, signal }));
  return { ...found, id: event, bucket, data: found.data as StoredEvent['data'] };
}

type PageQuery = NonNullable<operations['page_events']['parameters']['query']>;

export async function pageOfEvents(query: PageQuery, signal?: AbortSignal): Promise<StoredEvent[]> {
  const page = await ok(api.GET('/api/1/events', { params: { query }, signal: signal ?? null }));
  // The other form of the answer is CSV, which nobody asked for.
  return typeof page === 'string' ? [] : (page.events as unknown as StoredEvent[]);
}

export function patchEvent(event: StoredEvent, patch: EventPatch): Promise<Edited> {
  return ok(
    api.PATCH('/api/1/buckets/{bucket}/events/{event}', {
      params: { path: { bucket: event.bucket, event: event.id } },
      body: patch,
    }),
  );
}

export function splitEvent(event: StoredEvent, at: string): Promise<Edited> {
  return ok(
    api.POST('/api/1/buckets/{bucket}/events/{event}/split', {
      params: { path: { bucket: event.bucket, event: event.id } },
      body: { at: [at] },
    }),
  );
}

export function mergeEvents(bucket: string, events: number[]): Promise<Edited> {
  return ok(api.POST('/api/1/buckets/{bucket}/events/merge', { params: { path: { bucket } }, body: { events } }));
}

/** The event of the bucket that starts next before or after this one. */
export async function neighbourOf(
  event: StoredEvent,
  direction: 1 | -1,
  signal?: AbortSignal,
): Promise<StoredEvent | null> {
  const query =
    direction === 1
      ? { bucket: [event.bucket], start: event.timestamp, order: 'asc' as const, limit: 20 }
      : { bucket: [event.bucket], end: event.timestamp, order: 'desc' as const, limit: 20 };
  const events = await pageOfEvents(query, signal);
  const start = Date.parse(event.timestamp);
  const isBeyond = (other: StoredEvent) => (Date.parse(other.timestamp) - start) * direction >= 0;
  return events.find((other) => other.id !== event.id && isBeyond(other)) ?? null;
}

/** Which events: those of the buckets that touch the time, or those that are named. */
export interface Selection {
  readonly bucket: string[];
  readonly start?: string;
  readonly end?: string;
  readonly text?: string;
  readonly events?: number[];
}

export function previewDelete(selection: Selection, signal?: AbortSignal): Promise<Preview> {
  return ok(api.POST('/api/1/events/delete', { body: { ...selection }, signal: signal ?? null }));
}

export function previewEdit(selection: Selection, change: Change, signal?: AbortSignal): Promise<Preview> {
  return ok(api.POST('/api/1/events/edit', { body: { ...selection, change }, signal: signal ?? null }));
}

export function carryOutDelete(token: string): Promise<Preview> {
  return ok(api.POST('/api/1/events/delete', { body: { token } }));
}

export function carryOutEdit(token: string): Promise<Preview> {
  return ok(api.POST('/api/1/events/edit', { body: { token } }));
}

export async function deleteEvent(event: StoredEvent): Promise<Preview> {
  const { token = '' } = await previewDelete({ bucket: [event.bucket], events: [event.id] });
  return carryOutDelete(token);
}
