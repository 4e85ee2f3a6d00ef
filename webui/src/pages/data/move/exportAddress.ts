import { dateFrom, startOfDay, type Calendar } from '../../../calendar';

export const FORMATS = ['json', 'ndjson', 'csv', 'sqlite', 'ical', 'parquet'] as const;
export type ExportFormat = (typeof FORMATS)[number];

export interface ExportWish {
  readonly format: ExportFormat;
  /** Empty: all. */
  readonly bucket: string;
  /** Days of the person's calendar; empty: without a limit. `to` is included. */
  readonly from: string;
  readonly to: string;
  readonly fields: string;
  readonly asOf: string | null;
}

export function exportAddress(wish: ExportWish, calendar: Calendar): string {
  const search = new URLSearchParams({ format: wish.format });
  if (wish.bucket !== '') search.set('bucket', wish.bucket);
  const first = dateFrom(wish.from);
  const last = dateFrom(wish.to);
  if (first !== null) search.set('start', startOfDay(first, calendar).toString());
  if (last !== null) search.set('end', startOfDay(last.add({ days: 1 }), calendar).toString());
  const fields = wish.fields
    .split(',')
    .map((field) => field.trim())
    .filter(Boolean);
  if (fields.length > 0 && (wish.format === 'csv' || wish.format === 'parquet')) search.set('fields', fields.join(','));
  if (wish.asOf !== null) search.set('as_of', wish.asOf);
  return `/api/1/export?${search.toString()}`;
}
