import { api, isAbort, ok, toApiError, type ApiError, type Schema } from '../../api';
import { live } from '../../live';
import { isBeat } from './kinds';

export type RecordLine = Schema<'RecordLine'>;

export interface LogFilter {
  /** One kind; empty: all changes. */
  readonly kind: string;
  /** Empty: all. */
  readonly bucket: string;
  readonly beats: boolean;
}

const PAGE = 100;
/** More lines than anybody reads: the oldest leave the page, and "Older records" loads them again. */
const MOST = 1000;

/** The records of the log, newest first: what is there, page by page, and what comes in meanwhile. */
export class Records {
  lines = $state.raw<readonly RecordLine[]>([]);
  waiting = $state.raw<readonly RecordLine[]>([]);
  paused = $state(false);
  loading = $state(true);
  error = $state.raw<ApiError | null>(null);
  historyFrom = $state<number | null>(null);
  /** Where the next page ends; null at the oldest record. */
  next = $state<number | null>(null);

  #controller: AbortController | null = null;
  #filter: LogFilter = { kind: '', bucket: '', beats: false };

  /** Begins anew with a filter. The answer ends it. */
  follow(filter: LogFilter): () => void {
    this.#filter = filter;
    this.lines = [];
    this.waiting = [];
    this.next = null;
    void this.#load(null);
    const query = {
      mode: 'records' as const,
      ...(filter.bucket === '' ? {} : { bucket: [filter.bucket] }),
      ...(filter.kind === '' ? {} : { kind: [filter.kind] }),
    };
    const end = live.subscribe(query, (event) => {
      if (event.name === 'record') this.#take(JSON.parse(event.data) as RecordLine);
    });
    return () => {
      end();
      this.#controller?.abort();
    };
  }

  older = (): void => {
    if (this.next !== null) void this.#load(this.next);
  };

  retry = (): void => void this.#load(this.lines.at(-1)?.seq ?? null);

  resume(): void {
    this.paused = false;
    this.lines = merged(this.waiting, this.lines);
    this.waiting = [];
  }

  async #load(to: number | null): Promise<void> {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.loading = true;
    this.error = null;
    try {
      const { kind, bucket, beats } = this.#filter;
      const wanted = kind !== '' ? kind : beats ? 'heartbeat' : undefined;
      const query = {
        limit: PAGE,
        ...(to === null ? {} : { to }),
        ...(wanted === undefined ? {} : { kind: wanted as NonNullable<RecordLine['kind']> }),
      };
      const page = await ok(api.GET('/api/1/log', { params: { query }, signal: controller.signal }));
      this.historyFrom = page.history_from;
      this.next = page.next;
      const fitting = page.records.filter((line) => bucket === '' || line.bucket === bucket);
      this.lines = merged(this.lines, fitting);
    } catch (error) {
      if (!isAbort(error)) this.error = toApiError(error);
    } finally {
      if (this.#controller === controller) this.loading = false;
    }
  }

  #take(line: RecordLine): void {
    if (isBeat(line.kind) && !this.#filter.beats) return;
    if (this.#filter.beats && this.#filter.kind === '' && !isBeat(line.kind)) return;
    if (this.paused) this.waiting = merged([line], this.waiting).slice(0, MOST);
    else this.lines = merged([line], this.lines).slice(0, MOST);
  }
}

/** Both lists, newest first, each record once. */
export function merged(a: readonly RecordLine[], b: readonly RecordLine[]): readonly RecordLine[] {
  const known = new Set(a.map((line) => line.seq));
  return [...a, ...b.filter((line) => !known.has(line.seq))].sort((x, y) => y.seq - x.seq);
}
