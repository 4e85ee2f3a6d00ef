/** One event of a stream of server-sent events. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
  readonly id: string | null;
}

/** Reads server-sent events from text that arrives in pieces of any size. Comments have no event; they only show that the server is there. */
export class EventReader {
  #rest = '';
  #name = '';
  #id: string | null = null;
  #data: string[] = [];

  push(piece: string): ServerEvent[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    const events: ServerEvent[] = [];
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') this.#end(events);
      else this.#field(line);
    }
    return events;
  }

  #field(line: string): void {
    if (line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'event') this.#name = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id') this.#id = value;
  }

  #end(events: ServerEvent[]): void {
    // An id without data still counts: the server has nothing new up to it.
    if (this.#data.length > 0 || this.#id !== null) {
      events.push({ name: this.#name || 'message', data: this.#data.join('\n'), id: this.#id });
    }
    this.#name = '';
    this.#data = [];
    this.#id = null;
  }
}
