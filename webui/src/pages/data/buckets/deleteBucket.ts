import { api, ok } from '../../../api';

/** Puts a bucket into the trash. The answer restores it, if the trash has it. */
export async function deleteBucket(id: string): Promise<(() => Promise<unknown>) | null> {
  await ok(api.DELETE('/api/1/buckets', { params: { query: { id } } }));
  const { items } = await ok(api.GET('/api/1/trash'));
  const newest = items.filter((item) => item.what === 'bucket' && item.bucket === id).sort((a, b) => b.id - a.id)[0];
  if (newest === undefined) return null;
  return () => ok(api.POST('/api/1/trash/{id}/restore', { params: { path: { id: newest.id } } }));
}
