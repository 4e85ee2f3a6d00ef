import { ApiError, api, ok, type Schema } from '../../../api';
import { t } from '../../../text';

export type BucketInfo = Readonly<Schema<'ListedBucket'>>;

/** All buckets, archived ones too. */
export async function listBuckets(signal: AbortSignal): Promise<BucketInfo[]> {
  const { buckets } = await ok(api.GET('/api/1/buckets', { params: { query: { archived: 'all' } }, signal }));
  return buckets;
}

export async function oneBucket(id: string, signal: AbortSignal): Promise<BucketInfo> {
  const buckets = await listBuckets(signal);
  const bucket = buckets.find((one) => one.id === id) ?? buckets.find((one) => one.aliases.includes(id));
  if (bucket === undefined) throw new ApiError(404, 'no such bucket', t('data.noBucket', { bucket: id }));
  return bucket;
}

export function countEvents(bucket: string, signal: AbortSignal, end: string | null = null): Promise<number> {
  const query = end === null ? {} : { end };
  return ok(api.GET('/api/0/buckets/{bucket}/events/count', { params: { path: { bucket }, query }, signal }));
}

/** Those that the bucket can be merged with: the server wants both to be of one type. */
export function partners(bucket: BucketInfo, all: readonly BucketInfo[]): BucketInfo[] {
  return all.filter((other) => other.id !== bucket.id && other.type === bucket.type);
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
