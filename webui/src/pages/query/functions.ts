/** The functions of the query language with their arguments (docs/query.md). What they do is in the texts, `query.function.NAME`. */
export const FUNCTIONS = {
  query_bucket: 'bucket',
  query_bucket_eventcount: 'bucket',
  query_bucket_names: '',
  find_bucket: 'prefix, hostname?',
  filter_keyvals: 'events, key, values',
  exclude_keyvals: 'events, key, values',
  filter_keyvals_regex: 'events, key, pattern',
  filter_period_intersect: 'events, periods',
  limit_events: 'events, count',
  concat: 'events, …',
  period_union: 'events, events',
  union_no_overlap: 'events, events',
  sort_by_timestamp: 'events',
  sort_by_duration: 'events',
  sum_durations: 'events',
  merge_events_by_keys: 'events, keys',
  chunk_events_by_key: 'events, key',
  flood: 'events',
  split_url_events: 'events',
  simplify_window_titles: 'events, key',
  categorize: 'events, rules?',
  tag: 'events, rules',
  contains: 'list, value',
  print: 'value, …',
  nop: '',
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

/** Keys that watchers use, and those that functions set. */
export const KEYS = [
  'app',
  'title',
  'status',
  'url',
  'audible',
  'incognito',
  'tabCount',
  'file',
  'project',
  'language',
  'label',
  'running',
  '$category',
  '$tags',
  '$domain',
  '$protocol',
  '$path',
  '$params',
] as const;

/** Functions whose first argument names a bucket. */
export const BUCKET_FUNCTIONS: readonly string[] = ['query_bucket', 'query_bucket_eventcount', 'find_bucket'];
