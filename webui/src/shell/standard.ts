import { parseHash, writeHash } from './address';

const PAGES: Readonly<Record<string, string>> = {
  home: '/activity',
  buckets: '/data',
  'work-report': '/report',
  billing: '/report',
  alerts: '/goals',
  graph: '/trends',
  timespiral: '/trends',
};
const PERIODS: Readonly<Record<string, string>> = {
  day: 'day',
  week: 'week',
  month: 'month',
  year: 'year',
  last7d: 'last7d',
  last30d: 'last30d',
};

/** Our address for one of the standard web UI, whose links people have in their bookmarks; null if it is none. */
export function standardAddress(hash: string): string | null {
  const { path } = parseHash(hash);
  const [, first = '', second, third, date] = path.split('/');
  if (first === 'activity' && second !== undefined) {
    const query = {
      device: [decoded(second)],
      range: [PERIODS[third ?? ''] ?? 'day'],
      date: /^\d{4}-\d\d-\d\d$/.test(date ?? '') ? [date ?? ''] : [],
    };
    return writeHash('/activity', query);
  }
  if (first === 'buckets' && second !== undefined) return writeHash(`/data/${second}`, {});
  if ((first === 'settings' || first === 'trends') && second !== undefined) return writeHash(`/${first}`, {});
  const page = PAGES[first];
  return page === undefined ? null : writeHash(page, {});
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
