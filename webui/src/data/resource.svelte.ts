import { untrack } from 'svelte';
import { isAbort, reading, toApiError, type ApiError } from '../api';
import { live, type LiveNews } from '../live';

export interface ResourceOptions<T> {
  /** Load again when these news arrive; `true` for any. The past does not change, so it is never loaded again. */
  live?: boolean | ((news: LiveNews) => boolean);
  /** The least time between two live loads, in milliseconds. */
  every?: number;
  /** Whether there is nothing to show in the value, so that the page can show its empty state. */
  isEmpty?: (value: T) => boolean;
}

export type ResourceState = 'loading' | 'error' | 'empty' | 'value';

/**
 * What a page loads. The key says what; when it changes, the running request is aborted and the fetcher is called. Until the new value is
 * here the old one stays, marked as `stale`: nothing jumps. A key of null loads nothing yet.
 *
 *     const usage = resource(() => ({ start, end }), (key, signal) => ok(api.GET('/api/1/usage', { params: { query: key }, signal })));
 *
 * Call it while a component is created.
 */
export function resource<K, T>(
  key: () => K | null,
  fetcher: (key: K, signal: AbortSignal) => Promise<T>,
  options: ResourceOptions<T> = {},
): Resource<K, T> {
  const made = new Resource(key, fetcher, options);
  made.begin();
  $effect(() => made.follow());
  $effect(() => made.listen());
  return made;
}

export class Resource<K, T> {
  value = $state.raw<T | undefined>(undefined);
  error = $state.raw<ApiError | null>(null);
  loading = $state(true);

  readonly state: ResourceState = $derived.by(() => {
    if (this.value === undefined) return this.error === null ? 'loading' : 'error';
    return this.options.isEmpty?.(this.value) === true ? 'empty' : 'value';
  });
  /** The value is that of an earlier key, or could not be loaded anew. */
  stale = $state(false);

  #controller: AbortController | null = null;
  #timer = 0;
  #loadedAt = 0;
  /** What the request that `begin` has sent is for. */
  #begun: string | null = null;

  constructor(
    private readonly key: () => K | null,
    private readonly fetcher: (key: K, signal: AbortSignal) => Promise<T>,
    private readonly options: ResourceOptions<T>,
  ) {}

  /** Loads the same again, and keeps what is shown until then. */
  reload = (): void => {
    const key = untrack(this.key);
    if (key !== null) void this.#load(key, false);
  };

  /** Shows a change at once that is on its way to the server. */
  show(change: (value: T) => T): void {
    if (this.value !== undefined) this.value = change(this.value);
  }

  /** Sends the first request before the component is drawn. */
  begin(): void {
    const key = untrack(this.key);
    if (key === null) return;
    this.#begun = nameOf(key);
    untrack(() => void this.#load(key, true));
  }

  follow(): () => void {
    const key = this.key();
    void reading.asOf; // the past of the same key is another value
    untrack(() => {
      const begun = this.#begun;
      this.#begun = null;
      if (key !== null && (begun === null || begun !== nameOf(key))) void this.#load(key, true);
    });
    return () => {
      clearTimeout(this.#timer);
      // Or the next news would wait for a timer that never ends.
      this.#timer = 0;
      this.#controller?.abort();
    };
  }

  listen(): (() => void) | undefined {
    const wanted = this.options.live;
    if (wanted === undefined || wanted === false || reading.past) return undefined;
    return live.listen((news) => {
      if (wanted === true || wanted(news)) this.#soon();
    });
  }

  #soon(): void {
    if (this.#timer !== 0) return;
    const wait = Math.max(this.#loadedAt + (this.options.every ?? 2000) - performance.now(), 0);
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.reload();
    }, wait);
  }

  async #load(key: K, isNew: boolean): Promise<void> {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.loading = true;
    this.stale = isNew && this.value !== undefined;
    try {
      const value = await this.fetcher(key, controller.signal);
      if (this.#controller !== controller) return;
      this.value = value;
      this.error = null;
      this.stale = false;
    } catch (thrown) {
      if (this.#controller !== controller || isAbort(thrown)) return;
      this.error = toApiError(thrown);
      this.stale = this.value !== undefined;
    }
    this.loading = false;
    this.#loadedAt = performance.now();
  }
}

/** Two keys of the same name ask for the same. */
function nameOf(key: unknown): string {
  return JSON.stringify([key, reading.asOf]);
}
