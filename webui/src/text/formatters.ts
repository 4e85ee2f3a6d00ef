/**
 * The browser's formatters, each made once: making one takes far longer than using it, and a page of rows uses the same few a hundred times.
 */
function once<Options extends object, Made>(make: (locale: string, options: Options) => Made) {
  const made = new Map<string, Made>();
  return (locale: string, options: Options): Made => {
    const key = `${locale} ${JSON.stringify(options)}`;
    let one = made.get(key);
    if (one === undefined) {
      one = make(locale, options);
      made.set(key, one);
    }
    return one;
  };
}

const numbers = once((locale, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options));
const dates = once((locale, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options));
const plurals = once((locale) => new Intl.PluralRules(locale));

export function numberFormat(locale: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  return numbers(locale, options);
}

export function dateFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return dates(locale, options);
}

export function pluralRules(locale: string): Intl.PluralRules {
  return plurals(locale, {});
}
