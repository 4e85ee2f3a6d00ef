import { number } from '../../text';

/** Cents as money. */
export function money(cents: number, currency: string): string {
  return number(cents / 100, { style: 'currency', currency });
}
