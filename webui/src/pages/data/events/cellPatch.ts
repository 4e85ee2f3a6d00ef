import type { Schema } from '../../../api';
import { keyOf } from './eventColumns';
import type { EventRow } from './eventRows';
import { readDuration, readTime, readValue } from './typed';

/** A change of what is in one cell: the API takes null for what stays, here it is left out. */
type CellPatch = { [K in keyof Schema<'EventPatch'>]: NonNullable<Schema<'EventPatch'>[K]> };

/** The change that a text in a cell stands for; null if it cannot be read. */
export function patchOf(row: EventRow, column: string, typed: string, zone: string): CellPatch | null {
  if (column === 'timestamp') {
    const timestamp = readTime(typed, zone);
    return timestamp === null ? null : { timestamp };
  }
  if (column === 'duration') {
    const duration = readDuration(typed);
    return duration === null ? null : { duration };
  }
  const key = keyOf({ key: column });
  return { data: { [key]: readValue(typed, row.data[key]) } };
}
