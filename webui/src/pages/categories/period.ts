import { periodOf, rangeAddress, rangeFrom, today, type Calendar, type Range } from '../../calendar';
import { route } from '../../shell';

/** The range of the address, or the last thirty days. */
export function rangeOfAddress(calendar: Calendar): Range {
  const get = (name: string) => route.get(name);
  return rangeFrom({ range: get('range') ?? 'last30d', date: get('date'), from: get('from'), to: get('to') }, calendar);
}

/** Writes the range into the address; a range that ends today stays one that ends today. */
export function setRange(range: Range, calendar: Calendar): void {
  const address = rangeAddress(range);
  const relative = range.kind !== 'custom' && range.date.equals(today(calendar));
  route.set({ ...address, date: relative ? null : address.date }, { replace: true });
}

export function periodText(range: Range, calendar: Calendar): { start: string; end: string } {
  const { start, end } = periodOf(range, calendar);
  return { start: start.toString(), end: end.toString() };
}
