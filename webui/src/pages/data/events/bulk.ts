import type { Schema } from '../../../api';
import { readTime } from './typed';

export interface BulkWish {
  readonly text: string;
  readonly field: string;
  /** On the clock of the person's zone; empty: without a limit. */
  readonly from: string;
  readonly to: string;
  readonly act: 'set' | 'remove' | 'shift' | 'delete';
  readonly name: string;
  readonly value: string;
  readonly shift: string | number;
}

/** What the wish asks of the server; null as long as it cannot be asked. */
export function bulkBody(bucket: string, wish: BulkWish, zone: string): Schema<'EventsEdit'> | null {
  const start = wish.from === '' ? undefined : readTime(wish.from, zone);
  const end = wish.to === '' ? undefined : readTime(wish.to, zone);
  if (start === null || end === null) return null;
  const text = wish.text.trim();
  const condition: Schema<'EventsEdit'> = {
    bucket,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(text === '' ? {} : wish.field === '' ? { text } : { field: wish.field, regex: `(?i)${escaped(text)}` }),
  };
  if (wish.act === 'delete') return condition;
  if (wish.act === 'shift') {
    const shift = Number(wish.shift);
    return Number.isFinite(shift) && shift !== 0 ? { ...condition, change: { shift } } : null;
  }
  if (wish.name === '') return null;
  return { ...condition, change: { data: { [wish.name]: wish.act === 'set' ? wish.value : null } } };
}

/** The text as a regular expression that finds just this text. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|#&\-~]/g, '\\$&');
}
