import { api, ok } from '../../api';
import { readTile, type Span } from '../../timeline';
import type { FetchTile } from '../../timeline/tileCache';

export const iso = (milliseconds: number): string => new Date(Math.round(milliseconds)).toISOString();

/** Tiles of the timeline's two ways to look: a lane for each bucket, or for each category. */
export function tileSource(lanes: 'bucket' | 'category', devices: readonly string[]): FetchTile {
  return async (span, cells, signal) => {
    const query = {
      start: iso(span.start),
      end: iso(span.end),
      width: cells,
      ...(lanes === 'category' ? { lanes } : {}),
      ...(devices.length > 0 ? { devices: devices.join(',') } : {}),
    };
    return readTile(await ok(api.GET('/api/1/timeline', { params: { query }, signal })), span);
  };
}

export interface Bucket {
  readonly id: string;
  readonly type: string;
  readonly hostname: string;
  readonly extent: Span | null;
}

export async function loadBuckets(signal: AbortSignal): Promise<readonly Bucket[]> {
  const all = await ok(api.GET('/api/0/buckets', { signal }));
  return Object.values(all).map((bucket) => {
    const { start, end } = bucket.metadata ?? {};
    const extent = start && end ? { start: Date.parse(start), end: Date.parse(end) } : null;
    return { id: bucket.id, type: bucket.type, hostname: bucket.hostname, extent };
  });
}

/** From the first event of all buckets to the last. */
export function extentOf(buckets: readonly Bucket[]): Span | null {
  const extents = buckets.flatMap((bucket) => bucket.extent ?? []);
  if (extents.length === 0) return null;
  return { start: Math.min(...extents.map((e) => e.start)), end: Math.max(...extents.map((e) => e.end)) };
}
