import { toApiError } from '../api';
import { t } from '../text';

export interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'error';
  readonly text: string;
  readonly undo?: () => Promise<unknown>;
}

const SHORT = 6000;
const WITH_UNDO = 12_000;

/** Notices at the edge of the screen. Errors stay until somebody closes them. */
class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;
  #timers = new Map<number, number>();

  /** Says that something was done, with a way back. */
  done(text: string, undo?: () => Promise<unknown>): void {
    this.#add({ kind: 'done', text, undo });
  }

  /** Shows the server's own message. */
  error(thrown: unknown): void {
    const error = toApiError(thrown);
    this.#add({ kind: 'error', text: error.unreachable ? t('common.error.unreachable') : error.message });
  }

  close(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  async undo(toast: Toast): Promise<void> {
    this.close(toast.id);
    try {
      await toast.undo?.();
      this.done(t('common.undone'));
    } catch (error) {
      this.error(error);
    }
  }

  /** Nothing disappears while somebody points at it. */
  hold(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  release(): void {
    for (const toast of this.list) this.#leave(toast);
  }

  #add(toast: Omit<Toast, 'id'>): void {
    const added = { ...toast, id: this.#next };
    this.#next += 1;
    // The same text twice is one notice, the newer one.
    const others = this.list.filter((other) => other.text !== toast.text || other.undo !== undefined);
    this.list = [...others.slice(-3), added];
    this.#leave(added);
  }

  #leave(toast: Toast): void {
    if (toast.kind === 'error' || this.#timers.has(toast.id)) return;
    const time = toast.undo === undefined ? SHORT : WITH_UNDO;
    this.#timers.set(
      toast.id,
      window.setTimeout(() => this.close(toast.id), time),
    );
  }
}

export const toasts = new Toasts();
