import { SvelteMap } from 'svelte/reactivity';

/** Something that a person can do. The command palette and the sheet of keys show the same commands. */
export interface Command {
  readonly id: string;
  readonly title: string;
  /** What it belongs to, such as the title of a page. */
  readonly group: string;
  /** Keys in the form `Control+k`, `?`, or two after each other: `g t`. */
  readonly keys?: string;
  readonly run: () => void;
  /** More words by which the palette finds it. */
  readonly words?: string;
  /** Not in the palette, only a key: moving in a list, for example. */
  readonly onlyKey?: boolean;
}

const sources = new SvelteMap<symbol, () => readonly Command[]>();

export function allCommands(): readonly Command[] {
  return [...sources.values()].flatMap((source) => source());
}

/** Registers commands while a component is there. The source is a function, so that titles follow the language. */
export function registerCommands(source: () => readonly Command[]): void {
  $effect(() => {
    const id = Symbol('commands');
    sources.set(id, source);
    return () => {
      sources.delete(id);
    };
  });
}
