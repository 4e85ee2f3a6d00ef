import type { Schema } from '../../../api';
import { readTime } from '../events/typed';

export interface EraseWish {
  readonly what: 'events' | 'text' | 'bucket';
  /** Empty: all buckets. */
  readonly bucket: string;
  /** Only these events; empty: all that match. */
  readonly events: readonly number[];
  readonly pattern: string;
  readonly field: string;
  readonly replacement: string;
  /** On the clock of the person's zone; empty: without a limit. */
  readonly from: string;
  readonly to: string;
}

export type EraseOrder =
  | { readonly path: 'purge'; readonly body: Schema<'PurgeRequest'> }
  | { readonly path: 'redact'; readonly body: Schema<'RedactionRequest'> };

/** What the wish asks of the server; null as long as it names nothing, because nobody means to erase everything by leaving a form empty. */
export function eraseOrder(wish: EraseWish, zone: string): EraseOrder | null {
  const bucket = wish.bucket === '' ? {} : { bucket: wish.bucket };
  if (wish.what === 'bucket') {
    return wish.bucket === '' ? null : { path: 'purge', body: { bucket: wish.bucket, whole_bucket: true } };
  }
  const start = wish.from === '' ? undefined : readTime(wish.from, zone);
  const end = wish.to === '' ? undefined : readTime(wish.to, zone);
  if (start === null || end === null) return null;
  const time = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
  const field = wish.field.trim();
  if (wish.what === 'text') {
    if (field === '' || wish.pattern === '') return null;
    const body = { ...bucket, ...time, field, pattern: wish.pattern, replacement: wish.replacement };
    return { path: 'redact', body };
  }
  const data = wish.pattern === '' ? {} : { data: { pattern: wish.pattern, ...(field === '' ? {} : { field }) } };
  const events = wish.events.length === 0 ? {} : { events: [...wish.events] };
  const body = { ...bucket, ...time, ...data, ...events };
  const names = wish.pattern !== '' || wish.events.length > 0 || start !== undefined || end !== undefined;
  return names ? { path: 'purge', body } : null;
}
