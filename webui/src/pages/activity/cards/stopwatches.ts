export interface StopwatchEvent {
  readonly timestamp: string;
  readonly duration: number;
  readonly data: { readonly label?: unknown; readonly running?: unknown };
}

export interface LabelSum {
  readonly label: string;
  readonly seconds: number;
}

/** The time of each label within a period, longest first. A stopwatch that runs has no duration yet: it counts until now. */
export function sumLabels(
  events: readonly StopwatchEvent[],
  period: { start: string; end: string },
  now: number,
): LabelSum[] {
  const [from, to] = [Date.parse(period.start), Date.parse(period.end)];
  const sums: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const { timestamp, duration, data } of events) {
    const start = Date.parse(timestamp);
    const end = data.running === true ? now : start + duration * 1000;
    const seconds = (Math.min(end, to) - Math.max(start, from)) / 1000;
    const label = typeof data.label === 'string' ? data.label : '';
    if (seconds > 0) sums[label] = (sums[label] ?? 0) + seconds;
  }
  return Object.entries(sums)
    .map(([label, seconds]) => ({ label, seconds }))
    .sort((a, b) => b.seconds - a.seconds || a.label.localeCompare(b.label));
}
