export interface Line {
  readonly field: string;
  readonly text: string;
}

/** The fields that say most about an event, the best first. */
const MAIN = ['title', 'label', 'file', 'url', 'app'];
const OTHERS = ['app', 'url', 'project', 'language', 'file', 'status'];
const MOST = 4;

/** The data of an event as people read them: a headline, and what belongs to it. */
export function headline(data: Readonly<Record<string, unknown>>): { main: Line; others: Line[] } {
  const texts = Object.entries(data).filter((e): e is [string, string] => typeof e[1] === 'string' && e[1] !== '');
  const lines = new Map(texts);
  const field = MAIN.find((name) => lines.has(name)) ?? texts[0]?.[0];
  if (field === undefined) return { main: { field: '', text: JSON.stringify(data) }, others: [] };
  const known = OTHERS.filter((name) => name !== field && lines.has(name));
  const unknown = texts.map(([name]) => name).filter((name) => name !== field && !known.includes(name));
  const others = [...known, ...unknown].slice(0, MOST).map((name) => ({ field: name, text: lines.get(name) ?? '' }));
  return { main: { field, text: lines.get(field) ?? '' }, others };
}
