export type Query = Readonly<Record<string, readonly string[]>>;
export type Params = Readonly<Record<string, string>>;

export interface Address {
  readonly path: string;
  readonly query: Query;
}

/** `#/data/my%20bucket?limit=5` is the path `/data/my%20bucket` with the query `limit=5`. */
export function parseHash(hash: string): Address {
  const whole = hash.startsWith('#') ? hash.slice(1) : hash;
  const mark = whole.indexOf('?');
  const path = (mark < 0 ? whole : whole.slice(0, mark)).replace(/\/+$/, '') || '/';
  const query: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  if (mark >= 0) {
    for (const [name, value] of new URLSearchParams(whole.slice(mark + 1))) (query[name] ??= []).push(value);
  }
  return { path: path.startsWith('/') ? path : `/${path}`, query };
}

export function writeHash(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) for (const value of values) search.append(name, value);
  const text = search.toString();
  return `#${path}${text === '' ? '' : `?${text}`}`;
}

/** Finds the page whose pattern fits: `/data/:bucket` fits `/data/x` with the parameter bucket = x. */
export function match<P extends { readonly path: string }>(
  pages: readonly P[],
  path: string,
): { page: P; params: Params } | null {
  const parts = path.split('/');
  for (const page of pages) {
    const params = fit(page.path.split('/'), parts);
    if (params !== null) return { page, params };
  }
  return null;
}

function fit(pattern: readonly string[], parts: readonly string[]): Params | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [i, want] of pattern.entries()) {
    const have = parts[i] ?? '';
    if (want.startsWith(':')) params[want.slice(1)] = decode(have);
    else if (want !== have) return null;
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // an address that somebody typed
  }
}
