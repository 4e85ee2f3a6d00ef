import type { View } from '../../../settings';

/** What a card about a bucket shows. */
export interface BucketChoice {
  readonly bucket: string;
  readonly field: string;
}

/** The members are those of the standard web UI, which keeps a field that it does not offer apart. */
export function choiceOf(props: View['elements'][number]['props']): BucketChoice {
  const text = (name: string) => {
    const value = props?.[name];
    return typeof value === 'string' ? value : '';
  };
  return { bucket: text('bucketId'), field: text('customField') || text('field') };
}

export function propsOf({ bucket, field }: BucketChoice): Record<string, unknown> {
  return { bucketId: bucket, field, customField: '' };
}

/** A program of the query language. Its texts have the escapes of JSON. */
export function programOf({ bucket, field }: BucketChoice): string {
  return [
    `events = query_bucket(${JSON.stringify(bucket)});`,
    `events = merge_events_by_keys(events, [${JSON.stringify(field)}]);`,
    'RETURN = sort_by_duration(events);',
  ].join('\n');
}

export interface ValueSum {
  readonly text: string;
  readonly seconds: number;
}

/** The rows of the program's result. A value can be any JSON. */
export function valuesOf(result: unknown, field: string): ValueSum[] {
  if (!Array.isArray(result)) return [];
  return (result as { duration: number; data: Record<string, unknown> }[]).map(({ duration, data }) => {
    const value = data[field];
    return { text: typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), seconds: duration };
  });
}
