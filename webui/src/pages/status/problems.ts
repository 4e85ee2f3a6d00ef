import type { Schema } from '../../api';
import { bytes, duration, t } from '../../text';
import { lookOf, titleOf } from '../../watchers/words';

export interface Problem {
  readonly text: string;
  readonly advice: string;
  readonly command?: string;
}

const SCARCE = 1_000_000_000;
/** Lines of the report that the fields below say as well, in the person's language and with what to do. */
const KNOWN = [
  /^Writes wait: /,
  /^The log is damaged: /,
  /^The scrub found damage /,
  /^\d+ events are lost: /,
  /^\d+ automatic backups have failed /,
  /^The watcher of .* has stopped: /,
  /^The watcher [^ ]+: /,
];

/** What is wrong and what to do about it, the most urgent first. */
export function problemsOf(status: Schema<'Status'>, checks: readonly Schema<'Check'>[] = []): Problem[] {
  const { access, backups, buckets, damage, not_ready, store, watchers } = status;
  const doctor = 'timberline doctor';
  const list: Problem[] = [];
  if (typeof not_ready === 'string') {
    list.push({
      text: t('status.problem.notReady', { why: not_ready }),
      advice: t('status.problem.notReady.do'),
      command: doctor,
    });
  }
  for (const place of damage.log) {
    list.push({
      text: t('status.problem.log', { place }),
      advice: t('status.problem.log.do'),
      command: 'timberline log verify',
    });
  }
  if (damage.segments_missing > 0) {
    list.push({
      text: t('status.problem.missing', { count: damage.segments_missing }),
      advice: t('status.problem.log.do'),
      command: doctor,
    });
  }
  if (damage.scrub_places > 0) {
    list.push({
      text: t('status.problem.scrub', { count: damage.scrub_places }),
      advice: t('status.problem.scrub.do'),
      command: doctor,
    });
  }
  if (damage.events_lost > 0) {
    list.push({ text: t('status.problem.lost', { count: damage.events_lost }), advice: t('status.problem.lost.do') });
  }
  if (typeof store.free_bytes === 'number' && store.free_bytes < SCARCE) {
    list.push({
      text: t('status.problem.full', { free: bytes(store.free_bytes) }),
      advice: t('status.problem.full.do'),
    });
  }
  if (!access.loopback_only && access.authentication === 'none') {
    list.push({ text: t('status.problem.open'), advice: t('status.problem.open.do') });
  }
  if (backups.failures > 0) {
    list.push({
      text: t('status.problem.backups', { count: backups.failures }),
      advice: t('status.problem.backups.do'),
    });
  }
  for (const path of backups.waiting_for_erasure) {
    list.push({ text: t('status.problem.waiting', { path }), advice: t('status.problem.waiting.do') });
  }
  for (const watcher of watchers?.watchers ?? []) {
    if (lookOf(watcher) !== 'alarm') continue;
    list.push({
      text: t('status.problem.alarm', { name: titleOf(watcher), why: watcher.alarm ?? '' }),
      advice: t('status.problem.alarm.do'),
      command: 'timberline watchers',
    });
  }
  // One that the person has paused or switched off is silent too, and that is no problem: the server says which are.
  const stopped = ({ id, state }: Schema<'BucketStatus'>) =>
    state === 'stopped' && status.attention.some((line) => line.startsWith(`The watcher of ${id} has stopped`));
  for (const bucket of buckets.filter(stopped)) {
    list.push({
      text: t('status.problem.stopped', { bucket: bucket.id, time: duration(bucket.lag_seconds ?? 0) }),
      advice: t('status.problem.stopped.do', { host: bucket.hostname }),
    });
  }
  const waiting = backups.waiting_for_erasure.length > 0;
  const others = status.attention.filter(
    (line) => !KNOWN.some((known) => known.test(line)) && !(waiting && line.startsWith('A backup may still hold')),
  );
  list.push(...others.map((text) => ({ text, advice: t('status.problem.other.do'), command: doctor })));
  // What the report says already need not be said twice: the findings are on the page.
  const failed = checks.filter(({ outcome }) => outcome === 'fail').length;
  if (list.length === 0 && failed > 0) {
    list.push({ text: t('status.problem.doctor', { count: failed }), advice: t('status.problem.doctor.do') });
  }
  return list;
}
