/** A rule of a category, as docs/categories.md has them. Members that this page does not know are kept. */
export interface Rule {
  readonly type: string;
  readonly regex?: string;
  readonly text?: string;
  readonly ignore_case?: boolean;
  readonly whole?: boolean;
  readonly field?: string;
  readonly select_keys?: readonly string[];
  readonly rules?: readonly Rule[];
  readonly rule?: Rule;
  readonly weekdays?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly [other: string]: unknown;
}

export const NONE: Rule = { type: 'none' };
export const NEW_TEXT: Rule = { type: 'text', text: '', ignore_case: true };
export const NEW_REGEX: Rule = { type: 'regex', regex: '', ignore_case: true };
export const NEW_TIME: Rule = {
  type: 'time',
  weekdays: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
  from: '09:00',
  to: '17:00',
};
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function readRule(value: unknown): Rule {
  return isObject(value) && typeof value['type'] === 'string' ? (value as unknown as Rule) : NONE;
}

export function isGroup(rule: Rule): boolean {
  return (rule.type === 'and' || rule.type === 'or') && Array.isArray(rule.rules);
}

/** The rule without "not" around it, and whether there was one. */
export function bare(rule: Rule): { inner: Rule; not: boolean } {
  return rule.type === 'not' && rule.rule !== undefined ? { inner: rule.rule, not: true } : { inner: rule, not: false };
}

export function negate(rule: Rule): Rule {
  const { inner, not } = bare(rule);
  return not ? inner : { type: 'not', rule };
}

/** One more condition. Two conditions become a group: both must hold, unless there is a group already that says otherwise. */
export function withCondition(rule: Rule, condition: Rule, type: 'and' | 'or' = 'and'): Rule {
  if (rule.type === 'none') return condition;
  if (isGroup(rule)) return { ...rule, rules: [...(rule.rules ?? []), condition] };
  return { type, rules: [rule, condition] };
}

/** The group with another rule in that place, or without it. A group of one is that one. */
export function withChild(group: Rule, at: number, child: Rule | null): Rule {
  const rules = (group.rules ?? []).flatMap((rule, i) => (i === at ? (child === null ? [] : [child]) : [rule]));
  if (child !== null || rules.length > 1) return { ...group, rules };
  return rules[0] ?? NONE;
}

/** The rule without what nobody has filled in yet: an empty expression would match everything. null: nothing is left. */
export function complete(rule: Rule): Rule | null {
  switch (rule.type) {
    case 'regex':
      return (rule.regex ?? '') === '' ? null : rule;
    case 'text':
      return (rule.text ?? '') === '' ? null : rule;
    case 'not': {
      const inner = rule.rule === undefined ? null : complete(rule.rule);
      return inner === null ? null : { ...rule, rule: inner };
    }
    case 'and':
    case 'or': {
      const rules = (rule.rules ?? []).map(complete).filter((one): one is Rule => one !== null);
      return rules.length === 0 ? null : { ...rule, rules };
    }
    case 'time':
      return (rule.weekdays ?? []).length === 0 && !rule.from && !rule.to ? null : rule;
    case 'between':
      return !rule.from && !rule.to ? null : rule;
    default:
      return rule;
  }
}

/** The rule in one line, for the tree. */
export function ruleLine(
  rule: Rule,
  words: { not: string; and: string; or: string; day: (name: string) => string },
): string {
  const line = (one: Rule): string => ruleLine(one, words);
  switch (rule.type) {
    case 'regex':
      return rule.regex ?? '';
    case 'text':
      return `“${rule.text ?? ''}”`;
    case 'not':
      return rule.rule === undefined ? '' : `${words.not} ${line(rule.rule)}`;
    case 'and':
    case 'or':
      return (rule.rules ?? [])
        .map((one) => (isGroup(one) ? `(${line(one)})` : line(one)))
        .join(` ${rule.type === 'and' ? words.and : words.or} `);
    case 'time':
      return [(rule.weekdays ?? []).map(words.day).join(' '), [rule.from, rule.to].filter(Boolean).join('–')]
        .filter((part) => part !== '')
        .join(' ');
    case 'between':
      return [rule.from, rule.to].map((at) => (at ?? '').slice(0, 10)).join(' – ');
    default:
      return '';
  }
}

/** A text as a regular expression that finds just this text. */
export function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\#&~-]/g, '\\$&');
}
