export interface BarColumn {
  /** Below the axis. */
  label: string;
  /** In full, for the tooltip and screen readers. */
  title: string;
  /** Not over yet, or in the future. */
  faint?: boolean;
}

export interface BarSeries {
  name: string;
  color: string;
  /** Seconds in each column. */
  values: readonly number[];
}

/** A line over the bars, such as an average. */
export interface BarLine {
  name: string;
  values: readonly (number | null)[];
}

/** What a column is made of, the longest first. */
export function partsOf(
  series: readonly BarSeries[],
  column: number,
): { name: string; color: string; seconds: number }[] {
  return series
    .map(({ name, color, values }) => ({ name, color, seconds: values[column] ?? 0 }))
    .filter((part) => part.seconds > 0)
    .sort((a, b) => b.seconds - a.seconds);
}

/** The line in a field of 100 by 100, whose upper edge is `top` seconds. */
export function pointsOf(line: BarLine, top: number): string {
  const { length } = line.values;
  return line.values
    .map((value, i) => (value === null ? null : `${((i + 0.5) / length) * 100},${100 - (value / top) * 100}`))
    .filter((point) => point !== null)
    .join(' ');
}
