import type { Arrangement } from '../../timeline';

interface Stored {
  order: string[];
  folded: string[];
  looks: Record<string, { collapsed?: boolean; tall?: boolean }>;
}

const KEY = 'timberline.timeline.lanes';

/** How the person arranged the lanes. It belongs to the screen, so the browser keeps it; what is hidden is in the address. */
export class StoredArrangement {
  #value = $state.raw<Stored>(read());

  with(hidden: ReadonlySet<string>): Arrangement {
    const { order, folded, looks } = this.#value;
    return { order, folded: new Set(folded), looks, hidden };
  }

  look(lane: string, change: { collapsed?: boolean; tall?: boolean }): void {
    const looks = { ...this.#value.looks, [lane]: { ...this.#value.looks[lane], ...change } };
    this.#save({ ...this.#value, looks });
  }

  fold(device: string): void {
    const { folded } = this.#value;
    const now = folded.includes(device) ? folded.filter((one) => one !== device) : [...folded, device];
    this.#save({ ...this.#value, folded: now });
  }

  /** Moves a lane by so many places among those that are shown, whose keys are given in their order. */
  move(lane: string, by: number, shown: readonly string[]): void {
    const from = shown.indexOf(lane);
    const to = from + by;
    if (from < 0 || to < 0 || to >= shown.length) return;
    const order = shown.filter((key) => key !== lane);
    order.splice(to, 0, lane);
    this.#save({ ...this.#value, order });
  }

  reset(): void {
    this.#save({ order: [], folded: [], looks: {} });
  }

  #save(value: Stored): void {
    this.#value = value;
    try {
      localStorage.setItem(KEY, JSON.stringify(value));
    } catch {
      // Without storage the arrangement lasts until the page is closed.
    }
  }
}

function read(): Stored {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof value !== 'object' || value === null) return { order: [], folded: [], looks: {} };
    const { order, folded, looks } = value as Record<string, unknown>;
    return {
      order: texts(order),
      folded: texts(folded),
      looks: typeof looks === 'object' && looks !== null ? (looks as Stored['looks']) : {},
    };
  } catch {
    return { order: [], folded: [], looks: {} };
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
