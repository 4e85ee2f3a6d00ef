import type { Usage } from './types';

export interface Sum {
  total: number;
  groups: { duration: number; data: Record<string, unknown> }[];
}

/** The program that adds up what another one returns. */
export function adding(program: string, limit: number): string {
  return [
    program.replace(/\s*RETURN\s*=\s*events;\s*$/, ''),
    `groups = limit_events(sort_by_duration(merge_events_by_keys(events, ["title"])), ${limit});`,
    'RETURN = {"total": sum_durations(events), "groups": groups};',
  ].join('\n');
}

/** The answer in the form of `/api/1/usage`. */
export function usageFrom({ start, end }: Usage, { total, groups }: Sum): Usage {
  const listed = groups.reduce((sum, { duration }) => sum + duration, 0);
  const left = Math.max(total - listed, 0);
  return {
    start,
    end,
    by: 'browserTitle',
    duration: total,
    intervals: [],
    groups: groups.map(({ duration, data }) => ({ value: data['title'] ?? null, duration, intervals: [] })),
    others: { count: left > 1e-6 ? 1 : 0, duration: left, intervals: [] },
  };
}
