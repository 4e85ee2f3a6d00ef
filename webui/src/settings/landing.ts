/** Pages of the standard web UI that have another name here. */
const NAMES: Readonly<Record<string, string>> = {
  home: '/activity',
  buckets: '/data',
  graph: '/trends',
  timespiral: '/trends',
};
const OWN = [
  'activity',
  'timeline',
  'trends',
  'report',
  'search',
  'stopwatch',
  'goals',
  'query',
  'categories',
  'data',
  'log',
  'status',
  'settings',
];

/** Our page for the setting `landingpage`, which the standard web UI writes too: `/home`, `/timeline`, `/activity/HOST/view/`. */
export function landingPath(setting: string | null): string {
  const first = (setting ?? '').split('/')[1] ?? '';
  return NAMES[first] ?? (OWN.includes(first) ? `/${first}` : '/activity');
}

/** What is stored for one of our pages, so that the standard web UI also finds a page of that kind. */
export function landingSetting(path: string, before: string): string {
  // An activity page of a device stays what it is.
  if (landingPath(before) === path) return before;
  if (path === '/activity') return '/home';
  return path === '/data' ? '/buckets' : path;
}
