/** The terms of a search, as docs/search.md defines them, to mark in the results what was found. The server finds; this only colours. */
export interface Term {
  readonly not: boolean;
  readonly field: string | null;
  readonly text: string;
  readonly regex: boolean;
}

const TERM = /(-?)(?:([\p{L}\w$.]+):)?(?:"([^"]*)"?|\/((?:\\.|[^/\\])*)\/?|(\S+))/gu;

export function termsOf(search: string): Term[] {
  const terms: Term[] = [];
  for (const [, minus, field, phrase, regex, word] of search.matchAll(TERM)) {
    const text = phrase ?? regex ?? word ?? '';
    if (text !== '') terms.push({ not: minus === '-', field: field ?? null, text, regex: regex !== undefined });
  }
  return terms;
}

export interface Piece {
  readonly text: string;
  readonly hit: boolean;
}

/** The text in pieces: those that a term of this field found, and those between them. */
export function marked(text: string, terms: readonly Term[], field: string): Piece[] {
  const hits = terms
    .filter((term) => !term.not && (term.field === null || term.field === field))
    .flatMap((term) => (term.regex ? byRegex(text, term.text) : byText(text, term.text)))
    .sort((a, b) => a[0] - b[0]);
  const pieces: Piece[] = [];
  let at = 0;
  for (const [start, end] of hits) {
    const from = Math.max(start, at);
    if (end <= from) continue;
    if (from > at) pieces.push({ text: text.slice(at, from), hit: false });
    pieces.push({ text: text.slice(from, end), hit: true });
    at = end;
  }
  if (at < text.length || pieces.length === 0) pieces.push({ text: text.slice(at), hit: false });
  return pieces;
}

type Span = readonly [start: number, end: number];
const MOST = 200;

function byText(text: string, wanted: string): Span[] {
  const { folded, places } = fold(text);
  const needle = fold(wanted).folded;
  const spans: Span[] = [];
  if (needle === '') return spans;
  for (
    let at = folded.indexOf(needle);
    at >= 0 && spans.length < MOST;
    at = folded.indexOf(needle, at + needle.length)
  ) {
    spans.push([places[at] ?? 0, places[at + needle.length] ?? text.length]);
  }
  return spans;
}

function byRegex(text: string, pattern: string): Span[] {
  try {
    const found = text.matchAll(new RegExp(pattern.replace(/^\(\?i\)/, ''), 'giu'));
    return [...found].slice(0, MOST).map((m): Span => [m.index, m.index + m[0].length]);
  } catch {
    return []; // the server's expressions are another dialect; then nothing is marked
  }
}

/** Without case and accents, with the place in the text that each letter comes from. */
function fold(text: string): { folded: string; places: number[] } {
  let folded = '';
  const places: number[] = [];
  let at = 0;
  for (const character of text) {
    const plain = character.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace('ß', 'ss');
    for (let i = 0; i < plain.length; i += 1) places.push(at);
    folded += plain;
    at += character.length;
  }
  return { folded, places };
}
