const PLACEHOLDER = '__CATEGORIES__';

interface Category {
  readonly name: readonly string[];
  readonly rule: { readonly type: string | null; readonly [other: string]: unknown };
}

/** The person's categories as a list of the query language: what the standard web UI puts in place of `__CATEGORIES__`. */
export function categoryList(categories: readonly Category[]): string {
  const rules = categories.filter(({ rule }) => rule.type !== null && rule.type !== 'none');
  return JSON.stringify(rules.map(({ name, rule }) => [name, rule]));
}

export interface Sent {
  readonly program: string;
  /** The place in the editor of a line and a column (from 1) of what was sent. */
  readonly placeOf: (line: number, column: number) => number;
}

/** What is sent for the text of the editor: with the categories in the place of `__CATEGORIES__`. */
export function toSend(text: string, list: () => string): Sent {
  const value = text.includes(PLACEHOLDER) ? list() : '';
  const program = text.replaceAll(PLACEHOLDER, () => value);
  return { program, placeOf: (line, column) => back(text, value, offsetOf(program, line, column)) };
}

function offsetOf(program: string, line: number, column: number): number {
  let start = 0;
  for (let n = 1; n < line; n += 1) {
    const end = program.indexOf('\n', start);
    if (end < 0) return program.length;
    start = end + 1;
  }
  // The server counts characters, a string counts units of 16 bits.
  const end = program.indexOf('\n', start);
  const units = [...program.slice(start, end < 0 ? undefined : end)].slice(0, column - 1).join('').length;
  return start + units;
}

function back(text: string, value: string, offset: number): number {
  let rest = offset;
  let at = 0;
  for (;;) {
    const next = text.indexOf(PLACEHOLDER, at);
    if (next < 0 || rest < next - at) return Math.min(at + rest, text.length);
    rest -= next - at;
    if (rest < value.length) return next;
    rest -= value.length;
    at = next + PLACEHOLDER.length;
  }
}

/** "line 2, column 10: there is no function ...": where, and what. */
export function errorPlace(message: string): { line: number; column: number; text: string } | null {
  const found = /^line (\d+), column (\d+): ([\s\S]*)$/.exec(message);
  return found === null ? null : { line: Number(found[1]), column: Number(found[2]), text: found[3] ?? '' };
}
