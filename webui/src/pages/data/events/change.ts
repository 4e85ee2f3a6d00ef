import { api, ok, type Schema } from '../../../api';
import { toasts } from '../../../design';

/** The records of a change, by which it is undone. */
export interface Change {
  readonly from: number | null;
  readonly to: number | null;
}

export function patchEvent(
  bucket: string,
  event: number,
  patch: Schema<'EventPatch'>,
): Promise<Schema<'EventsEdited'>> {
  return ok(api.PATCH('/api/1/buckets/{bucket}/events/{event}', { params: { path: { bucket, event } }, body: patch }));
}

export async function undo({ from, to }: Change): Promise<void> {
  if (from === null || to === null) return;
  await ok(api.POST('/api/1/undo', { body: { from, to } }));
}

/** Tells what was done, with the way back. `after` is called when it was undone. */
export function tell(text: string, change: Change, after: () => void): void {
  if (change.from === null) toasts.done(text);
  else toasts.done(text, () => undo(change).then(after));
}

export async function deleteEvents(bucket: string, events: number[]): Promise<Change & { removed: number }> {
  const { token } = await ok(api.POST('/api/1/events/delete', { body: { bucket, events } }));
  return confirmBulk('delete', token ?? '');
}

export function previewBulk(what: 'edit' | 'delete', body: Schema<'EventsEdit'>): Promise<Schema<'BulkEdited'>> {
  return what === 'edit'
    ? ok(api.POST('/api/1/events/edit', { body }))
    : ok(api.POST('/api/1/events/delete', { body }));
}

export async function confirmBulk(
  what: 'edit' | 'delete',
  token: string,
): Promise<Change & { removed: number; edited: number }> {
  const done = await previewBulk(what, { token });
  return { from: done.from ?? null, to: done.to ?? null, removed: done.removed ?? 0, edited: done.edited ?? 0 };
}
