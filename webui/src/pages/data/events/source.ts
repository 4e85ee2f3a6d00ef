import { api, ok } from '../../../api';
import { countEvents } from '../buckets/listing';
import type { EventRow, EventSource } from './eventRows';

/** The events of a bucket, from the API. */
export function eventSource(bucket: string): EventSource {
  return {
    count: (end, signal) => countEvents(bucket, signal, end),
    slice: async (query, signal) => {
      const page = await ok(api.GET('/api/1/events', { params: { query: { bucket: [bucket], ...query } }, signal }));
      if (typeof page === 'string') throw new Error('The server has answered with a table instead of JSON.');
      return { events: page.events as EventRow[], next: page.next, prev: page.prev };
    },
  };
}

export interface EventFilter {
  readonly text: string;
  /** The only field to look in; empty for all. */
  readonly field: string;
}

/** Matches beyond this number are counted by "All that match" only. */
export const MOST_FOUND = 10_000;

/** The newest events with this text, by a query: the list of events has no filter of its own. */
export async function findEvents(bucket: string, filter: EventFilter, signal: AbortSignal): Promise<EventRow[]> {
  const rule = {
    type: 'text',
    text: filter.text,
    ignore_case: true,
    ...(filter.field === '' ? {} : { select_keys: [filter.field] }),
  };
  const query = [
    `events = query_bucket(${JSON.stringify(bucket)});`,
    `events = categorize(events, [[["found"], ${JSON.stringify(rule)}]]);`,
    `RETURN = limit_events(filter_keyvals(events, "$category", [["found"]]), ${MOST_FOUND + 1});`,
  ];
  const body = { query, timeperiods: ['0001-01-01T00:00:00Z/9999-01-01T00:00:00Z'] };
  const [found] = (await ok(api.POST('/api/0/query', { body, signal }))) as unknown as [EventRow[]];
  return found.map(({ id, timestamp, duration, data }) => {
    const own = { ...data };
    delete own['$category'];
    return { id, timestamp, duration, data: own };
  });
}
