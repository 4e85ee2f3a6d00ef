import { bytesText, durationText, hoursText } from './format';
import { numberFormat } from './formatters';
import { loadMessages, type Language, type Messages, type Room } from './languages';
import { fill, type Params } from './message';

/** `page.key`, such as `shell.search`. */
export type MessageKey = { [R in keyof Messages & string]: `${R}.${keyof Messages[R] & string}` }[keyof Messages &
  string];

class Text {
  language = $state<Language>('en');
  /** For numbers and dates: the browser's own variant of the language, such as en-GB. */
  locale = $state('en');
  #messages = $state.raw<Readonly<Record<string, Room>>>({});

  async use(language: Language): Promise<void> {
    this.#messages = await loadMessages(language);
    this.language = language;
    this.locale = navigator.languages.find((l) => l === language || l.startsWith(`${language}-`)) ?? language;
    document.documentElement.lang = language;
  }

  get(key: string, params: Params): string {
    const dot = key.indexOf('.');
    const message = this.#messages[key.slice(0, dot)]?.[key.slice(dot + 1)];
    return message === undefined ? key : fill(message, params, this.locale);
  }
}

export const text = new Text();

/** The message in the language of the page. It is reactive: a change of the language changes what is shown. */
export function t(key: MessageKey, params: Params = {}): string {
  return text.get(key, params);
}

export const duration = (seconds: number): string => durationText(seconds, text.locale);
export const hours = (seconds: number, digits = 1): string => hoursText(seconds, text.locale, digits);
export const bytes = (count: number): string => bytesText(count, text.locale);
export const number = (value: number, options: Intl.NumberFormatOptions = {}): string =>
  numberFormat(text.locale, options).format(value);
export const percent = (part: number, digits = 0): string =>
  number(part, { style: 'percent', maximumFractionDigits: digits });
