import type { Sheet } from './sheet';

export interface CsvWords {
  readonly date: string;
  readonly group: string;
  readonly seconds: string;
  readonly hours: string;
  readonly counted: string;
  readonly rate: string;
  readonly amount: string;
  readonly currency: string;
}

/** The timesheet as CSV (RFC 4180): a line for each group of each day. Numbers have a point, whatever the language. */
export function csvOf(
  sheet: Sheet,
  words: CsvWords,
  rates: Readonly<Record<string, number>>,
  currency: string,
): string {
  const head = [
    words.date,
    words.group,
    words.seconds,
    words.hours,
    words.counted,
    words.rate,
    words.amount,
    words.currency,
  ];
  const rows = sheet.days.flatMap((day) =>
    day.lines.map((line) => [
      day.date,
      line.path.join(' > '),
      exact(line.seconds),
      exact(line.seconds / 3600),
      exact(line.counted / 3600),
      rates[line.key] === undefined ? '' : String(rates[line.key]),
      line.amount === null ? '' : (line.amount / 100).toFixed(2),
      line.amount === null ? '' : currency,
    ]),
  );
  return [head, ...rows].map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}

function exact(value: number): string {
  return String(Number(value.toFixed(6)));
}

/** A spreadsheet takes a field that begins like a formula for one: it gets an apostrophe, unless it is a number. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
