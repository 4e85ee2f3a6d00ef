/** Files in the form of the standard web UI: `{"categories": [...]}`, where a rule that it does not know is in the member `timberline`. */
export function toFile(classes: readonly unknown[]): string {
  return JSON.stringify({ categories: classes }, null, 2);
}

/** The categories of a file, with the rules that only Timberline knows; null if it is no such file. */
export function fromFile(text: string): Record<string, unknown>[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const list = Array.isArray(value) ? value : isObject(value) ? value['categories'] : undefined;
  if (!Array.isArray(list) || !list.every((one) => isObject(one) && isName(one['name']))) return null;
  return (list as Record<string, unknown>[]).map(withOwnRule);
}

/** The standard web UI's form of categories, as the server stores it in the setting `classes`. */
export function toClasses(categories: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown>[] {
  return categories.map((category) => {
    const rule = category['rule'];
    const type = isObject(rule) ? rule['type'] : 'none';
    if (type === 'none' || (type === 'regex' && isObject(rule) && rule['field'] === undefined)) return { ...category };
    return { ...category, rule: { type: 'none' }, timberline: { rule } };
  });
}

function withOwnRule(category: Record<string, unknown>): Record<string, unknown> {
  const { timberline, ...others } = category;
  const own = isObject(timberline) ? timberline['rule'] : undefined;
  if (!isObject(own)) return category;
  const rule = others['rule'];
  const both = isObject(rule) && rule['type'] === 'regex';
  return { ...others, rule: both ? { type: 'or', rules: [rule, own] } : own };
}

const isName = (name: unknown): boolean =>
  typeof name === 'string' ||
  (Array.isArray(name) && name.length > 0 && name.every((part) => typeof part === 'string'));

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
