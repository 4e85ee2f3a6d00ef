/** The parts of a program that have a colour, as docs/query.md defines the language. */
export type TokenKind =
  'comment' | 'string' | 'number' | 'keyword' | 'constant' | 'function' | 'result' | 'placeholder';

export interface Token {
  readonly from: number;
  readonly to: number;
  readonly kind: TokenKind;
}

const KEYWORDS = new Set(['if', 'elif', 'else', 'return']);
const CONSTANTS = new Set(['true', 'True', 'false', 'False', 'TIMEINTERVAL', 'STARTTIME', 'ENDTIME', 'NAME']);
const PART = /(#[^\n]*)|("|')|(\d+(?:\.\d*)?)|([\p{L}_][\p{L}\p{N}_]*)/gu;

export function tokensOf(program: string): Token[] {
  const tokens: Token[] = [];
  PART.lastIndex = 0;
  for (let match = PART.exec(program); match !== null; match = PART.exec(program)) {
    const from = match.index;
    const to = match[2] === undefined ? PART.lastIndex : endOfString(program, from, match[2]);
    PART.lastIndex = to;
    const kind = match[2] !== undefined ? 'string' : kindOf(match, program);
    if (kind !== null) tokens.push({ from, to, kind });
  }
  return tokens;
}

function kindOf(match: RegExpExecArray, program: string): TokenKind | null {
  const [, comment, , number, name] = match;
  if (comment !== undefined) return 'comment';
  if (number !== undefined) return 'number';
  if (name === undefined) return null;
  if (KEYWORDS.has(name)) return 'keyword';
  if (CONSTANTS.has(name)) return 'constant';
  if (name === 'RETURN') return 'result';
  if (name === '__CATEGORIES__') return 'placeholder';
  return /^\s*\(/.test(program.slice(PART.lastIndex)) ? 'function' : null;
}

/** A backslash keeps the quote after it in the string; without another quote, the string ends at the last one. */
function endOfString(program: string, start: number, quote: string): number {
  let escaped = -1;
  for (let at = program.indexOf(quote, start + 1); at >= 0; at = program.indexOf(quote, at + 1)) {
    if (program[at - 1] !== '\\' || at - 1 === start) return at + 1;
    escaped = at;
  }
  return escaped < 0 ? program.length : escaped + 1;
}

/** Whether the place is inside a string or a comment. */
export function tokenAt(program: string, place: number): Token | null {
  return tokensOf(program).find((token) => token.from < place && place < token.to) ?? null;
}
