import { expect, it } from 'vitest';
import type { Schema } from '../../api';
import { problemsOf } from './problems';

const well: Schema<'Status'> = {
  version: '1',
  device_id: '',
  hostname: 'laptop',
  testing: false,
  process_id: 1,
  started: '',
  uptime_seconds: 1,
  ready: true,
  access: { addresses: [], loopback_only: true, authentication: 'none', allowed_hosts: [], cors: [] },
  store: { data_dir: '', encrypted: false, bytes: 1, log_bytes: 1, view_bytes: 1, events: 1, seq: 1, free_bytes: 1e12 },
  buckets: [],
  backups: { failures: 0, known: [], waiting_for_erasure: [] },
  damage: {
    log: [],
    segments_missing: 0,
    view_segments_found: 0,
    view_segments_healed: 0,
    events_lost: 0,
    scrub_places: 0,
  },
  memory: { anonymous_bytes: 0, file_bytes: 0, query_cache_bytes: 0, query_catalog_bytes: 0 },
  attention: [],
};

it('finds nothing wrong with a healthy server', () => {
  expect(problemsOf(well)).toEqual([]);
});

it('says each problem once, and keeps what it does not know', () => {
  const bad: Schema<'Status'> = {
    ...well,
    not_ready: 'the disk is full',
    buckets: [{ id: 'w', type: 'currentwindow', hostname: 'laptop', events: 1, state: 'stopped', lag_seconds: 3600 }],
    attention: [
      'Writes wait: the disk is full.',
      'The watcher of w has stopped: no event for 60 minutes.',
      'Erasing is suspended: the clock.',
    ],
  };
  expect(problemsOf(bad).map((p) => p.text)).toEqual([
    'status.problem.notReady',
    'status.problem.stopped',
    'Erasing is suspended: the clock.',
  ]);
});

it('names a watcher that is silent, but none that the person has silenced', () => {
  const watcher: Schema<'Watcher'> = {
    name: 'window',
    program: null,
    enabled: true,
    state: 'waiting',
    backends: [],
    restarts: 0,
    alarm: 'nothing for 10 minutes',
  };
  const bucket = { id: 'w', type: 'currentwindow', hostname: 'laptop', events: 1, lag_seconds: 3600 };
  const status: Schema<'Status'> = {
    ...well,
    watchers: { watchers: [watcher] },
    buckets: [{ ...bucket, state: 'stopped' }],
    attention: ['The watcher window: nothing for 10 minutes.'],
  };
  expect(problemsOf(status).map((p) => p.text)).toEqual(['status.problem.alarm']);
  const paused = { ...watcher, paused: { since: '2026-05-12T10:00:00Z' } };
  expect(problemsOf({ ...status, watchers: { watchers: [paused] }, attention: [] })).toEqual([]);
});

it('is not well while the check in depth has failures, and says so once', () => {
  const check = (outcome: 'warn' | 'fail') => ({ check: 'clock', outcome, text: '' });
  expect(problemsOf(well, [check('warn')])).toEqual([]);
  expect(problemsOf(well, [check('fail'), check('fail')]).map((p) => p.text)).toEqual(['status.problem.doctor']);
  const full = { ...well, store: { ...well.store, free_bytes: 5e8 } };
  expect(problemsOf(full, [check('fail')]).map((p) => p.text)).toEqual(['status.problem.full']);
});

it('warns of an open door and of a full disk', () => {
  const open = { ...well.access, loopback_only: false };
  const texts = (status: Schema<'Status'>) => problemsOf(status).map((p) => p.text);
  expect(texts({ ...well, access: open })).toEqual(['status.problem.open']);
  expect(texts({ ...well, access: { ...open, authentication: 'api key' } })).toEqual([]);
  expect(texts({ ...well, store: { ...well.store, free_bytes: 5e8 } })).toEqual(['status.problem.full']);
});
