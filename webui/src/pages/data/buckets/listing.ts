import { api, ok, type Schema } from '../../../api';
import { live } from '../../../live';

export interface BucketInfo {
  readonly id: string;
  readonly type: string;
  readonly client: string;
  readonly hostname: string;
  readonly created: string;
  readonly count: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly aliases: readonly string[];
  readonly archived: boolean;
  readonly fake: boolean;
}

/** All buckets with their counts. The stream knows the counts of now; those of a past state are asked for one by one. */
export async function listBuckets(signal: AbortSignal, past: boolean): Promise<BucketInfo[]> {
  const buckets = Object.values(await ok(api.GET('/api/0/buckets', { signal })));
  return Promise.all(
    buckets.map(async (bucket) => {
      const head = past ? undefined : live.heads.get(bucket.id);
      return infoOf(bucket, head?.count ?? (await countEvents(bucket.id, signal)));
    }),
  );
}

export async function oneBucket(id: string, signal: AbortSignal): Promise<BucketInfo> {
  const [bucket, count] = await Promise.all([
    ok(api.GET('/api/0/buckets/{bucket}', { params: { path: { bucket: id } }, signal })),
    countEvents(id, signal),
  ]);
  return infoOf(bucket, count);
}

export function countEvents(bucket: string, signal: AbortSignal, end: string | null = null): Promise<number> {
  const query = end === null ? {} : { end };
  return ok(api.GET('/api/0/buckets/{bucket}/events/count', { params: { path: { bucket }, query }, signal }));
}

function infoOf(bucket: Schema<'Bucket'>, count: number): BucketInfo {
  const data = bucket.data as Record<string, unknown>;
  return {
    id: bucket.id,
    type: bucket.type,
    client: bucket.client,
    hostname: bucket.hostname,
    created: bucket.created,
    count,
    first: bucket.metadata.start,
    last: bucket.metadata.end,
    aliases: [],
    archived: false,
    fake: data['fake'] === true,
  };
}

/** Buckets by device, those with the newest event first; buckets without a device at the end. */
export function byDevice(buckets: readonly BucketInfo[]): { host: string; buckets: BucketInfo[] }[] {
  const groups: Record<string, BucketInfo[]> = {};
  for (const bucket of buckets) (groups[bucket.hostname === 'unknown' ? '' : bucket.hostname] ??= []).push(bucket);
  const newest = (list: readonly BucketInfo[]) =>
    list.reduce((last, b) => (b.last !== null && b.last > last ? b.last : last), '');
  return Object.entries(groups)
    .map(([host, list]) => ({ host, buckets: list.toSorted((a, b) => a.id.localeCompare(b.id)) }))
    .sort(
      (a, b) => Number(a.host === '') - Number(b.host === '') || newest(b.buckets).localeCompare(newest(a.buckets)),
    );
}
