import { tick } from 'svelte';

/** Marks the moment at which everything that was asked for is drawn, for measurements. */
export function markReady(isReady: () => boolean): void {
  let marked = false;
  $effect(() => {
    if (!isReady()) {
      marked = false;
      return;
    }
    if (marked) return;
    marked = true;
    void tick().then(() => requestAnimationFrame(() => performance.mark('timberline:ready')));
  });
}
