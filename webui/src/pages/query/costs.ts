import type { Schema } from '../../api';

/** A query as it was sent. */
export interface Sent {
  readonly query: string[];
  readonly timeperiods: string[];
}

export interface Step {
  readonly key: number;
  readonly line: number | null;
  /** Null for what lies between the calls. */
  readonly name: string | null;
  readonly rowsIn: number | null;
  readonly rowsOut: number | null;
  readonly seconds: number;
  /** Of the run, from 0 to 1. */
  readonly share: number;
}

export interface Costs {
  readonly parse: number;
  readonly run: number;
  readonly write: number;
  readonly bytes: number;
  readonly steps: readonly Step[];
}

/** The costs of all periods, with what lies between the calls as the last step, so that the steps add up to the run. */
export function costsOf({ periods }: Schema<'QueryCosts'>): Costs {
  const sum = (of: (period: (typeof periods)[number]) => number) => periods.reduce((all, one) => all + of(one), 0);
  const run = sum((period) => period.run_seconds);
  const calls = periods.flatMap(({ steps }) => steps);
  const share = (seconds: number) => (run > 0 ? Math.min(seconds / run, 1) : 0);
  const steps = calls.map((call, key): Step => ({
    key,
    line: call.line,
    name: call.function,
    rowsIn: call.rows_in,
    rowsOut: call.rows_out,
    seconds: call.seconds,
    share: share(call.seconds),
  }));
  const between = Math.max(run - calls.reduce((all, { seconds }) => all + seconds, 0), 0);
  const rest = { line: null, name: null, rowsIn: null, rowsOut: null, seconds: between, share: share(between) };
  return {
    parse: Math.max(0, ...periods.map((period) => period.parse_seconds)),
    run,
    write: sum((period) => period.write_seconds),
    bytes: sum((period) => period.result_bytes),
    steps: [...steps, { key: steps.length, ...rest }],
  };
}
