const PLACE = 'timberline.query.history';
const MOST = 30;
const LONGEST = 20_000;

export interface PastQuery {
  readonly program: string;
  readonly at: string;
}

/** The queries that ran in this browser, the newest first. */
class Past {
  list = $state.raw<readonly PastQuery[]>(read());

  add(program: string): void {
    if (program.trim() === '' || program.length > LONGEST) return;
    const others = this.list.filter((one) => one.program !== program);
    this.#keep([{ program, at: new Date().toISOString() }, ...others].slice(0, MOST));
  }

  clear(): void {
    this.#keep([]);
  }

  #keep(list: readonly PastQuery[]): void {
    this.list = list;
    try {
      localStorage.setItem(PLACE, JSON.stringify(list));
    } catch {
      // Without storage, or with a full one, they last as long as the page.
    }
  }
}

function read(): readonly PastQuery[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(PLACE) ?? '[]');
    return Array.isArray(list) ? list.filter(isPast).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

function isPast(value: unknown): value is PastQuery {
  const one = value as PastQuery | null;
  return typeof one?.program === 'string' && typeof one.at === 'string';
}

export const past = new Past();
