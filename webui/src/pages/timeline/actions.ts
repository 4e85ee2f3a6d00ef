import { isAbort } from '../../api';
import { toasts } from '../../design';
import { t } from '../../text';
import type { Span } from '../../timeline';
import {
  carryOutDelete,
  carryOutEdit,
  deleteEvent,
  mergeEvents,
  patchEvent,
  splitEvent,
  undoOf,
  type Edited,
  type EventPatch,
  type StoredEvent,
} from './edits';
import { tagTime, tellAway } from './notes';
import { iso, type Bucket } from './sources';

/** Everything that changes data on this page. Each change is told with its way back; what fails is told in the server's words. */
export class TimelineActions {
  constructor(
    /** Says that what is drawn of this time is old. */
    private readonly changed: (span: Span | null) => void,
    private readonly buckets: () => readonly Bucket[],
  ) {}

  async edit(event: StoredEvent, patch: EventPatch): Promise<StoredEvent | null> {
    return this.#one(event, t('timeline.done.edited'), () => patchEvent(event, patch));
  }

  async split(event: StoredEvent, time: number): Promise<StoredEvent | null> {
    return this.#one(event, t('timeline.done.split'), () => splitEvent(event, iso(time)));
  }

  async merge(event: StoredEvent, other: StoredEvent | null, direction: 1 | -1): Promise<StoredEvent | null> {
    if (other === null) {
      toasts.done(t(direction === 1 ? 'timeline.noneAfter' : 'timeline.noneBefore'));
      return null;
    }
    const ids = direction === 1 ? [event.id, other.id] : [other.id, event.id];
    return this.#one(event, t('timeline.done.merged'), () => mergeEvents(event.bucket, ids));
  }

  async remove(event: StoredEvent): Promise<boolean> {
    return this.#try(async () => {
      this.#done(t('timeline.done.deleted', { count: 1 }), undoOf(await deleteEvent(event)), spanOf(event));
    });
  }

  async deleteAll(token: string, span: Span): Promise<boolean> {
    return this.#try(async () => {
      const done = await carryOutDelete(token);
      this.#done(t('timeline.done.deleted', { count: done.removed ?? 0 }), undoOf(done), span);
    });
  }

  async editAll(token: string): Promise<boolean> {
    return this.#try(async () => {
      const done = await carryOutEdit(token);
      this.#done(t('timeline.done.editedMany', { count: done.edited ?? 0 }), undoOf(done), null);
    });
  }

  async tag(span: Span, label: string): Promise<boolean> {
    return this.#try(async () => {
      this.#done(t('timeline.done.tagged', { label }), await tagTime(span, label, this.buckets()), span);
    });
  }

  async tellAway(span: Span, message: string, host: string): Promise<boolean> {
    return this.#try(async () => {
      this.#done(t('timeline.done.away'), await tellAway(span, message, host, this.buckets()), span);
    });
  }

  async #one(event: StoredEvent, text: string, change: () => Promise<Edited>): Promise<StoredEvent | null> {
    let now: StoredEvent | null = null;
    await this.#try(async () => {
      const edited = await change();
      const first = edited.events[0];
      now = first === undefined ? event : { ...first, bucket: event.bucket };
      this.#done(text, undoOf(edited), null);
    });
    return now;
  }

  #done(text: string, undo: (() => Promise<unknown>) | undefined, span: Span | null): void {
    this.changed(span);
    const back =
      undo === undefined
        ? undefined
        : async () => {
            await undo();
            this.changed(span);
          };
    toasts.done(text, back);
  }

  async #try(change: () => Promise<void>): Promise<boolean> {
    try {
      await change();
      return true;
    } catch (thrown) {
      if (!isAbort(thrown)) toasts.error(thrown);
      return false;
    }
  }
}

function spanOf(event: StoredEvent): Span {
  const start = Date.parse(event.timestamp);
  return { start, end: start + event.duration * 1000 + 1 };
}
