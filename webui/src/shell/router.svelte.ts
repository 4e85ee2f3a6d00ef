import { match, parseHash, writeHash, type Params, type Query } from './address';
import { PAGES, type Page } from './pages';
import { standardAddress } from './standard';

export type { Params };
export type QueryChange = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

/** Where the page is: the part of the address after `#`. Filters and ranges live in its query, so a copied link shows the same. */
class Route {
  #path = $state('/');
  #query = $state.raw<Query>({});
  /** Counts real changes of the page, so that the focus moves with them and not with each filter. */
  visits = $state(0);
  /** The address named no page, so this is the page that the person wants to begin with. */
  beganAtHome = false;

  readonly #found = $derived(match(PAGES, this.#path));

  get path(): string {
    return this.#path;
  }

  get page(): Page | null {
    return this.#found?.page ?? null;
  }

  get params(): Params {
    return this.#found?.params ?? {};
  }

  /** The first value of a query parameter. */
  get(name: string): string | null {
    return this.#query[name]?.[0] ?? null;
  }

  /** All values of a query parameter. */
  all(name: string): readonly string[] {
    return this.#query[name] ?? [];
  }

  /** Changes query parameters and keeps the others; null removes one. `replace` makes no new step for the back button. */
  set(change: QueryChange, options: { replace?: boolean } = {}): void {
    go(writeHash(this.#path, { ...this.#query, ...toQuery(change) }), options);
  }

  /** The address with these query parameters, for a link. */
  with(change: QueryChange): string {
    return writeHash(this.#path, { ...this.#query, ...toQuery(change) });
  }

  read(): void {
    const standard = standardAddress(location.hash);
    if (standard !== null) history.replaceState(history.state, '', standard);
    const { path, query } = parseHash(location.hash);
    if (path !== this.#path || this.visits === 0) {
      this.#path = path;
      this.visits += 1;
    }
    this.#query = query;
  }
}

export const route = new Route();

export function startRouter(home: string): void {
  route.beganAtHome = parseHash(location.hash).path === '/';
  if (route.beganAtHome) history.replaceState(null, '', `#${home}`);
  window.addEventListener('hashchange', () => route.read());
  window.addEventListener('popstate', () => route.read());
  route.read();
}

/** The address of a page: `link('/timeline', { date: '2026-11-29' })`. */
export function link(path: string, query: QueryChange = {}): string {
  return writeHash(path, toQuery(query));
}

export function navigate(path: string, query: QueryChange = {}, options: { replace?: boolean } = {}): void {
  go(link(path, query), options);
}

function go(hash: string, { replace = false }: { replace?: boolean }): void {
  if (hash === location.hash) return;
  if (replace) history.replaceState(history.state, '', hash);
  else history.pushState(null, '', hash);
  route.read();
}

function toQuery(change: QueryChange): Query {
  const query: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === '') query[name] = [];
    else query[name] = Array.isArray(value) ? value : [String(value)];
  }
  return query;
}
