import { numberFormat, pluralRules } from './formatters';

/** A message is a text with {parameters}, or forms of it by the plural category of `count`. */
export type Message = string | Readonly<Record<string, string>>;
export type Params = Readonly<Record<string, string | number>>;

export function fill(message: Message, params: Params, locale: string): string {
  const text = typeof message === 'string' ? message : form(message, params, locale);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numberFormat(locale).format(value) : value;
  });
}

function form(forms: Readonly<Record<string, string>>, params: Params, locale: string): string {
  const count = Number(params['count'] ?? 0);
  return forms[pluralRules(locale).select(count)] ?? forms['other'] ?? '';
}
