import { ApiError, apiKey, serverBase } from '../../../api';
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

/** Lets the browser save the file. With an API key, which a link cannot send, the page loads it first. */
export async function download(address: string): Promise<void> {
  const key = apiKey();
  const url = serverBase() + address;
  if (key === null) return save(url);
  // eslint-disable-next-line no-restricted-globals -- a file, and not JSON
  const response = await fetch(url, { headers: { Authorization: `Bearer ${key}` } });
  if (!response.ok) throw new ApiError(response.status, 'error', await response.text());
  const name = /filename="?([^";]+)/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  const object = URL.createObjectURL(await response.blob());
  save(object, name ?? 'timberline-export');
  setTimeout(() => URL.revokeObjectURL(object), 60_000);
}

function save(url: string, name = ''): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}
