import type { Schema } from '../../api';
import { t, type MessageKey } from '../../text';

type Check = Schema<'Check'>;

const URGENCY: Readonly<Record<Check['outcome'], number>> = { fail: 0, warn: 1, ok: 2 };

/** What is not as it should be, failures first, and the rest, both otherwise in the doctor's order. */
export function byUrgency(checks: readonly Check[]): { bad: Check[]; good: Check[] } {
  const bad = checks.filter(({ outcome }) => outcome !== 'ok');
  return {
    bad: bad.toSorted((a, b) => URGENCY[a.outcome] - URGENCY[b.outcome]),
    good: checks.filter(({ outcome }) => outcome === 'ok'),
  };
}

const NAMES: Readonly<Record<string, MessageKey>> = {
  backups: 'status.check.backups',
  clock: 'status.check.clock',
  configuration: 'status.check.configuration',
  'disk space': 'status.check.diskSpace',
  erasing: 'status.check.erasing',
  'file system': 'status.check.fileSystem',
  formats: 'status.check.formats',
  identity: 'status.check.identity',
  lock: 'status.check.lock',
  log: 'status.check.log',
  permissions: 'status.check.permissions',
  privacy: 'status.check.privacy',
  retention: 'status.check.retention',
  scrub: 'status.check.scrub',
  segments: 'status.check.segments',
  start: 'status.check.start',
  views: 'status.check.views',
};

/** What a check is called; one that a newer server has, as it calls it. */
export function nameOf(check: string): string {
  const key = Object.hasOwn(NAMES, check) ? NAMES[check] : undefined;
  return key === undefined ? check : t(key);
}
