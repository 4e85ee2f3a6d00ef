import { SvelteMap } from 'svelte/reactivity';
import { EventStream, type StreamQuery, type StreamState } from './stream';
import type { ServerEvent } from './events';

/** The newest state of a bucket, as the stream delivers it (docs/live.md). */
export interface Head {
  readonly bucket: string;
  readonly type: string;
  readonly count: number;
  readonly last_updated: string | null;
  readonly seq: number;
  readonly event: { id: number; timestamp: string; duration: number; data: Record<string, unknown> | null } | null;
}

export type LiveNews =
  { readonly kind: 'head'; readonly head: Head } | { readonly kind: 'buckets'; readonly buckets: readonly string[] };

/** What happens now: one stream of heads for the whole page, and more streams for those who need records or the usage of today. */
class Live {
  state = $state<StreamState>('connecting');
  readonly heads = new SvelteMap<string, Head>();
  /** Ids of all buckets; null until the stream has said them. */
  buckets = $state.raw<readonly string[] | null>(null);
  /** The newest record that the page knows of. */
  seq = $state(0);

  #stream: EventStream | null = null;
  #listeners = new Set<(news: LiveNews) => void>();
  #shared = new Map<
    string,
    { stream: EventStream; users: Set<(event: ServerEvent) => void>; last: ServerEvent | null }
  >();

  start(): void {
    this.#stream ??= new EventStream(
      { mode: 'heads' },
      { event: (event) => this.#take(event), state: (state) => (this.state = state) },
    );
  }

  stop(): void {
    this.#stream?.close();
    this.#stream = null;
  }

  retry(): void {
    this.#stream?.retry();
  }

  /** Calls the listener for each changed bucket. The answer ends it. */
  listen(listener: (news: LiveNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Events of another mode: `records` or `usage`, with its parameters. Equal subscriptions share one stream. The answer ends it. */
  subscribe(query: StreamQuery & { mode: 'records' | 'usage' }, user: (event: ServerEvent) => void): () => void {
    const name = JSON.stringify(query);
    let shared = this.#shared.get(name);
    if (shared === undefined) {
      const users = new Set<(event: ServerEvent) => void>();
      const made: { stream: EventStream; users: typeof users; last: ServerEvent | null } = {
        users,
        last: null,
        stream: new EventStream(query, {
          event: (event) => {
            made.last = event;
            this.#count(event);
            for (const each of users) each(event);
          },
        }),
      };
      shared = made;
      this.#shared.set(name, made);
    } else if (query.mode === 'usage' && shared.last?.name === 'usage') {
      user(shared.last);
    }
    const { users, stream } = shared;
    users.add(user);
    return () => {
      users.delete(user);
      if (users.size > 0) return;
      stream.close();
      this.#shared.delete(name);
    };
  }

  #take(event: ServerEvent): void {
    const data: unknown = JSON.parse(event.data);
    this.#count(event);
    if (event.name === 'head') {
      const head = data as Head;
      this.heads.set(head.bucket, head);
      this.#tell({ kind: 'head', head });
    } else if (event.name === 'buckets') {
      const { buckets } = data as { buckets: string[] };
      this.buckets = buckets;
      const known = new Set(buckets);
      for (const id of [...this.heads.keys()]) if (!known.has(id)) this.heads.delete(id);
      this.#tell({ kind: 'buckets', buckets });
    }
  }

  /** Heads tell of buckets only; the streams of records also know of settings and the like. */
  #count(event: ServerEvent): void {
    if (event.id !== null) this.seq = Math.max(this.seq, Number(event.id) || 0);
  }

  #tell(news: LiveNews): void {
    for (const listener of this.#listeners) listener(news);
  }
}

export const live = new Live();
