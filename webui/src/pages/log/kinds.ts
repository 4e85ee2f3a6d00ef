import CircleX from '@lucide/svelte/icons/circle-x';
import Flame from '@lucide/svelte/icons/flame';
import FolderPlus from '@lucide/svelte/icons/folder-plus';
import HeartPulse from '@lucide/svelte/icons/heart-pulse';
import PenLine from '@lucide/svelte/icons/pen-line';
import Plus from '@lucide/svelte/icons/plus';
import Settings from '@lucide/svelte/icons/settings-2';
import Trash2 from '@lucide/svelte/icons/trash-2';
import { t, type MessageKey } from '../../text';

/** Kinds of records that a person can ask for. Heartbeats are so many that they are shown only if somebody wants them. */
export const CHANGES = [
  'bucket-created',
  'bucket-updated',
  'bucket-deleted',
  'bucket-restored',
  'events-inserted',
  'events-put',
  'events-changed',
  'events-deleted',
  'setting-set',
  'setting-deleted',
  'purge-begun',
  'purge-ended',
] as const;
export const BEATS = ['heartbeat', 'heartbeats'] as const;

const KNOWN = new Set<string>([...CHANGES, ...BEATS, 'bucket-listed', 'batch-taken', 'lost', 'erased']);
const UNDOABLE = /^(bucket-|events-|setting-)/;

export function kindName(kind: string | null): string {
  return t(`log.kind.${kind !== null && KNOWN.has(kind) ? kind : 'unknown'}` as MessageKey);
}

export function kindIcon(kind: string | null): typeof Plus {
  if (kind === null || kind === 'lost') return CircleX;
  if (kind.startsWith('heartbeat') || kind === 'batch-taken') return HeartPulse;
  if (kind.endsWith('-deleted')) return Trash2;
  if (kind.startsWith('setting')) return Settings;
  if (kind.startsWith('purge') || kind === 'erased') return Flame;
  if (kind === 'events-inserted') return Plus;
  if (kind.startsWith('bucket')) return FolderPlus;
  return PenLine;
}

export function isUndoable(kind: string | null): boolean {
  return kind !== null && UNDOABLE.test(kind);
}

export function isBeat(kind: string | null): boolean {
  return kind === 'heartbeat' || kind === 'heartbeats' || kind === 'batch-taken';
}
