export type Panel = 'palette' | 'keys' | 'apiKey' | 'more';

/** Which panel of the frame is open. There is one at most. */
class Panels {
  #open = $state<Panel | null>(null);

  is(panel: Panel): boolean {
    return this.#open === panel;
  }

  open(panel: Panel): void {
    this.#open = panel;
  }

  close(): void {
    this.#open = null;
  }

  set(panel: Panel, open: boolean): void {
    if (open) this.#open = panel;
    else if (this.#open === panel) this.#open = null;
  }
}

export const panels = new Panels();
