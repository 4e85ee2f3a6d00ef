const PLACE = 'timberline.search.recent';
const MOST = 8;

/** The last searches, in this browser only: what somebody looked for is nobody else's business. */
class Recent {
  list = $state.raw<readonly string[]>(read());

  add(search: string): void {
    const text = search.trim();
    if (text.length < 2) return;
    // "time" on the way to "timeline" is no search of its own.
    const others = this.list.filter((old) => old !== text && !text.startsWith(old));
    this.#keep([text, ...others].slice(0, MOST));
  }

  clear(): void {
    this.#keep([]);
  }

  #keep(list: readonly string[]): void {
    this.list = list;
    try {
      localStorage.setItem(PLACE, JSON.stringify(list));
    } catch {
      // Without storage they last as long as the page.
    }
  }
}

function read(): readonly string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(PLACE) ?? '[]');
    return Array.isArray(list) ? list.filter((s): s is string => typeof s === 'string').slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export const recent = new Recent();
