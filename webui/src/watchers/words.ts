import type { Schema } from '../api';
import { instantText, t, type MessageKey } from '../text';

export type Watcher = Schema<'Watcher'>;

/** The modules of Timberline. Programs of others are called what they call themselves. */
const MODULES: Readonly<Record<string, readonly [MessageKey, MessageKey]>> = {
  window: ['watchers.window', 'watchers.window.what'],
  afk: ['watchers.afk', 'watchers.afk.what'],
  media: ['watchers.media', 'watchers.media.what'],
  microphone: ['watchers.microphone', 'watchers.microphone.what'],
  camera: ['watchers.camera', 'watchers.camera.what'],
  input: ['watchers.input', 'watchers.input.what'],
  lid: ['watchers.lid', 'watchers.lid.what'],
  network: ['watchers.network', 'watchers.network.what'],
};

export function titleOf(watcher: Watcher): string {
  const module = watcher.program === null ? MODULES[watcher.name] : undefined;
  return module === undefined ? watcher.name : t(module[0]);
}

/** What it records: for a program, where the program is. */
export function whatOf(watcher: Watcher): string {
  const module = watcher.program === null ? MODULES[watcher.name] : undefined;
  return module === undefined ? (watcher.program ?? '') : t(module[1]);
}

export type Look = 'good' | 'rest' | 'lack' | 'alarm';

/** How a watcher is, in one word. The choice of the person comes before what the watcher does because of it. */
export function lookOf(watcher: Watcher): Look {
  if (!watcher.enabled || isPaused(watcher)) return 'rest';
  if (typeof watcher.alarm === 'string') return 'alarm';
  if (watcher.state === 'waiting' || watcher.state === 'restarting') return 'lack';
  return watcher.state === 'recording' || watcher.state === 'running' ? 'good' : 'rest';
}

const STATES: Readonly<Record<Watcher['state'], MessageKey>> = {
  off: 'watchers.off',
  starting: 'watchers.starting',
  recording: 'watchers.recording',
  running: 'watchers.running',
  waiting: 'watchers.waiting',
  'standing-back': 'watchers.standingBack',
  restarting: 'watchers.restarting',
  stopping: 'watchers.stopping',
};

export function stateText(watcher: Watcher, zone: string): string {
  if (!watcher.enabled) return t('watchers.off');
  if (isPaused(watcher)) {
    const until = watcher.paused?.until ?? null;
    return until === null ? t('watchers.paused') : t('watchers.pausedUntil', { time: untilText(until, zone) });
  }
  return t(lookOf(watcher) === 'alarm' ? 'watchers.silent' : STATES[watcher.state]);
}

export function untilText(until: string, zone: string): string {
  const day = (instant: number) => instantText(new Date(instant).toISOString(), zone, { dateStyle: 'short' });
  const today = day(Date.parse(until)) === day(Date.now());
  return instantText(until, zone, {
    hour: 'numeric',
    minute: '2-digit',
    ...(today ? {} : { weekday: 'short', day: 'numeric', month: 'short' }),
  });
}

export interface Backends {
  /** The one that it learns from. */
  readonly chosen: string | null;
  /** Those that it would rather use, or all if none is chosen, and why they cannot be used. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

export function backendsOf({ backends }: Watcher): Backends {
  const place = backends.findIndex(({ state }) => state === 'chosen');
  const before = place === -1 ? backends : backends.slice(0, place);
  return {
    chosen: backends[place]?.name ?? null,
    refused: before.flatMap(({ name, reason }) => (typeof reason === 'string' ? [{ name, why: reason }] : [])),
  };
}

/** Why it records nothing, if it should and does not. */
export function lackOf(watcher: Watcher): string | null {
  const look = lookOf(watcher);
  if (look === 'alarm') return watcher.alarm ?? null;
  if (look === 'good' || !watcher.enabled || isPaused(watcher)) return null;
  const refused = backendsOf(watcher).refused;
  if (watcher.state === 'waiting' && refused.length === 1) return refused[0]?.why ?? null;
  if (watcher.state === 'waiting' && refused.length > 1) return t('watchers.noWay', { count: refused.length });
  if (watcher.state === 'restarting') return watcher.last_exit?.reason ?? watcher.reason ?? null;
  return watcher.reason ?? null;
}

export function isPaused(watcher: Watcher): boolean {
  return typeof watcher.paused === 'object' && watcher.paused !== null;
}

/** Whether its state is about to change by itself: it has not yet done what is wanted of it, or does something that takes a moment. */
export function isOnItsWay(watcher: Watcher): boolean {
  const { state } = watcher;
  const wanted = watcher.enabled && !isPaused(watcher);
  return wanted === (state === 'off') || state === 'starting' || state === 'stopping' || state === 'restarting';
}
