import type { Data } from './tile';

/** A category as the server lists it (docs/categories.md). */
export interface Category {
  readonly name: readonly string[];
  readonly rule?: unknown;
  readonly data?: unknown;
}

type Test = (data: Data) => boolean;

/**
 * The category of an event's data, for its colour on the screen only: sums come from the server. A browser has other regular expressions
 * than the server, and data do not say at what time of day they were; where that matters, the rule counts as not matching.
 */
export function classifier(categories: readonly Category[]): (data: Data) => readonly string[] | null {
  const rules = categories
    .map(({ name, rule }, place) => ({ name, place, priority: priorityOf(rule, name), test: testOf(rule) }))
    .filter((rule): rule is typeof rule & { test: Test } => rule.test !== null)
    .sort((a, b) => b.priority - a.priority || b.place - a.place);
  return (data) => rules.find((rule) => rule.test(data))?.name ?? null;
}

function priorityOf(rule: unknown, name: readonly string[]): number {
  const own = isObject(rule) ? (rule['priority'] ?? rule['weight']) : undefined;
  return typeof own === 'number' ? own : name.length * 10;
}

function testOf(rule: unknown): Test | null {
  if (!isObject(rule)) return null;
  switch (rule['type']) {
    case 'regex':
      return regexTest(rule);
    case 'text':
      return textTest(rule);
    case 'and':
    case 'or':
      return listTest(rule, rule['type'] === 'and');
    case 'not': {
      const inner = testOf(rule['rule']);
      return inner === null ? null : (data) => !inner(data);
    }
    default:
      return null;
  }
}

function regexTest(rule: Data): Test | null {
  if (typeof rule['regex'] !== 'string' || rule['regex'] === '') return null;
  const flag = /^\(\?i\)/.test(rule['regex']);
  const pattern = rule['regex'].replace(/^\(\?i\)/, '');
  try {
    const regex = new RegExp(pattern, flag || rule['ignore_case'] === true ? 'i' : '');
    return onStrings(rule, (text) => regex.test(text));
  } catch {
    return null;
  }
}

function textTest(rule: Data): Test | null {
  if (typeof rule['text'] !== 'string') return null;
  const fold = rule['ignore_case'] === true ? (text: string) => text.toLowerCase() : (text: string) => text;
  const wanted = fold(rule['text']);
  return onStrings(
    rule,
    rule['whole'] === true ? (text) => fold(text) === wanted : (text) => fold(text).includes(wanted),
  );
}

function listTest(rule: Data, all: boolean): Test | null {
  const inner = Array.isArray(rule['rules']) ? rule['rules'].map(testOf) : [];
  if (all && inner.includes(null)) return null;
  const tests = inner.filter((test) => test !== null);
  if (tests.length === 0) return null;
  return all ? (data) => tests.every((test) => test(data)) : (data) => tests.some((test) => test(data));
}

/** Only strings at the top of the data are searched, or only those of `field` or `select_keys`. */
function onStrings(rule: Data, test: (text: string) => boolean): Test {
  const keys = typeof rule['field'] === 'string' ? [rule['field']] : rule['select_keys'];
  return (data) => {
    const values = Array.isArray(keys) ? keys.map((key) => data[String(key)]) : Object.values(data);
    return values.some((value) => typeof value === 'string' && test(value));
  };
}

function isObject(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
