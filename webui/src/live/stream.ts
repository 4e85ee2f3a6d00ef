import { apiKey, serverBase } from '../api';
import { EventReader, type ServerEvent } from './events';

export type StreamState = 'connecting' | 'open' | 'lost';
export type StreamQuery = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

interface Listener {
  event(event: ServerEvent): void;
  state?(state: StreamState): void;
}

/** The server sends a comment every 15 seconds. After this long without anything the connection is dead, whatever the browser thinks. */
const SILENCE = 40_000;
const WAITS = [1000, 2000, 5000, 10_000];
/** A hidden page gives its connection back: a browser has only six of them for one server. */
const HIDDEN = 60_000;

/**
 * One stream of `/api/1/stream` that comes back by itself and goes on where it was. It reads with `fetch`, because `EventSource` can send
 * no API key and does not tell why it failed.
 */
export class EventStream {
  #query: StreamQuery;
  #listener: Listener;
  #last: string | null = null;
  #failures = 0;
  #connection: AbortController | null = null;
  #timers = { silence: 0, retry: 0, hidden: 0 };
  #closed = false;

  constructor(query: StreamQuery, listener: Listener) {
    this.#query = query;
    this.#listener = listener;
    document.addEventListener('visibilitychange', this.#visibility);
    window.addEventListener('online', this.retry);
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    document.removeEventListener('visibilitychange', this.#visibility);
    window.removeEventListener('online', this.retry);
    this.#drop();
  }

  /** Tries again at once, if there is no connection. */
  retry = (): void => {
    if (this.#connection === null && !this.#closed) void this.#connect();
  };

  #visibility = (): void => {
    clearTimeout(this.#timers.hidden);
    if (document.visibilityState === 'visible') this.retry();
    else this.#timers.hidden = window.setTimeout(() => this.#drop(), HIDDEN);
  };

  #drop(): void {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#connection?.abort();
    this.#connection = null;
  }

  async #connect(): Promise<void> {
    this.#drop();
    const connection = new AbortController();
    this.#connection = connection;
    this.#listener.state?.(this.#failures === 0 ? 'connecting' : 'lost');
    try {
      await this.#read(connection);
    } catch {
      // Every end of a connection is answered in the same way: come back.
    }
    if (this.#connection !== connection || this.#closed) return;
    this.#connection = null;
    clearTimeout(this.#timers.silence);
    this.#listener.state?.('lost');
    const wait = WAITS[Math.min(this.#failures, WAITS.length - 1)];
    this.#failures += 1;
    this.#timers.retry = window.setTimeout(this.retry, wait);
  }

  async #read(connection: AbortController): Promise<void> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    const key = apiKey();
    if (key !== null) headers['Authorization'] = `Bearer ${key}`;
    if (this.#last !== null) headers['Last-Event-ID'] = this.#last;
    this.#listen(connection);
    // eslint-disable-next-line no-restricted-globals -- the typed client does not read endless answers
    const response = await fetch(this.#address(), { headers, signal: connection.signal, cache: 'no-store' });
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
    this.#failures = 0;
    this.#listener.state?.('open');
    const reader = new EventReader();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return;
      this.#listen(connection);
      for (const event of reader.push(value)) {
        if (event.id !== null) this.#last = event.id;
        if (event.data !== '') this.#listener.event(event);
      }
    }
  }

  #listen(connection: AbortController): void {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = window.setTimeout(() => connection.abort(), SILENCE);
  }

  #address(): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(this.#query)) {
      if (value === undefined) continue;
      for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
    }
    return `${serverBase()}/api/1/stream?${search.toString()}`;
  }
}
