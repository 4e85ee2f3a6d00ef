import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  activityOf,
  activityWithoutSound,
  berlinMorning,
  byApp,
  fakeBuckets,
  finished,
  together,
  total,
  withStopwatch,
  type Activity,
  type Interval,
  type Plan,
} from './oracle';
import { Server } from './server';

/** Two weeks around each of the days whose clocks change. */
const PLANS: Plan[] = [
  { days: 14, start: '2026-03-23', zone: 'Europe/Berlin', seed: 11, devices: 2, profile: 'developer' },
  { days: 14, start: '2026-10-19', zone: 'Europe/Berlin', seed: 12, devices: 2, profile: 'student' },
];

interface Usage {
  duration: number;
  groups: { value: string | null; duration: number }[];
}

for (const plan of PLANS) {
  describe(`${plan.profile ?? ''}, ${plan.days} days from ${plan.start}`, () => {
    let server: Server;
    let buckets: Awaited<ReturnType<typeof fakeBuckets>>;
    let devices: Record<string, Activity[]>;

    beforeAll(async () => {
      server = await Server.start();
      const run = await server.post<{ id: string }>('/api/1/fake', plan);
      await finished(server, run.id);
      buckets = await fakeBuckets(plan);
      devices = Object.fromEntries(['fake-laptop', 'fake-desktop'].map((host) => [host, activityOf(buckets, host)]));
    });

    afterAll(() => server.stop());

    const usage = (period: Interval, devices: string, more = '') =>
      server.get<Usage>(
        `/api/1/usage?start=${iso(period.start)}&end=${iso(period.end)}&by=app&limit=1000&devices=${devices}${more}`,
      );

    for (const host of ['fake-laptop', 'fake-desktop']) {
      it(`${host}: every day, every week and the whole`, async () => {
        const ofDevice = devices[host] ?? [];
        for (const period of [...periods(plan, 1), ...periods(plan, 7), ...periods(plan, plan.days)]) {
          // The first device has the stopwatch.
          const activity = host === 'fake-laptop' ? withStopwatch(ofDevice, buckets, period) : ofDevice;
          const found = await usage(period, host);
          const where = `${iso(period.start)} to ${iso(period.end)}`;
          expect(found.duration, where).toBeCloseTo(total(activity, period), 5);
          const apps = byApp(activity, period);
          for (const { value, duration } of found.groups) {
            expect(duration, `${where}: ${value}`).toBeCloseTo(apps.get(value ?? '') ?? 0, 5);
          }
        }
        // The oracle has something to say.
        expect(total(ofDevice, all(plan))).toBeGreaterThan(3600);
      });
    }

    it('both devices: what is done at the same time counts once', async () => {
      const [laptop, desktop] = ['fake-laptop', 'fake-desktop'].map((host) => activityWithoutSound(buckets, host));
      const both = together(laptop ?? [], desktop ?? []);
      for (const period of [...periods(plan, 1), all(plan)]) {
        const found = await usage(period, 'fake-laptop,fake-desktop');
        expect(found.duration, iso(period.start)).toBeCloseTo(total(both, period), 5);
      }
    });
  });
}

/** Days of the clock in Berlin, from four in the morning: one has 23 hours, one 25. */
function periods(plan: Plan, length: number): Interval[] {
  const starts = Array.from({ length: plan.days / length + 1 }, (_, index) =>
    berlinMorning(plan.start, index * length),
  );
  return starts.slice(1).map((end, index) => ({ start: starts[index] ?? end, end }));
}

function all(plan: Plan): Interval {
  return { start: berlinMorning(plan.start, 0), end: berlinMorning(plan.start, plan.days) };
}

function iso(instant: number): string {
  return new Date(instant / 1000).toISOString();
}
