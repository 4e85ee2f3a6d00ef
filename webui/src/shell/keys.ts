import type { Command } from './commands.svelte';

const SEQUENCE_TIME = 1200;

/** Runs the command of a key or of two keys after each other. Keys without Control or Meta never fire while somebody types. */
export class KeyListener {
  #first: { key: string; at: number } | null = null;

  constructor(private readonly commands: () => readonly Command[]) {}

  handle = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const key = keyName(event);
    const held = event.ctrlKey || event.metaKey || event.altKey;
    // Within a shadow tree, such as the editor's, only the path of the event says what is typed into.
    const target = event.composedPath()[0] ?? event.target;
    if (!held && (isTyping(target) || isInDialog(event.target))) return;
    const wanted =
      this.#first !== null && event.timeStamp - this.#first.at < SEQUENCE_TIME ? `${this.#first.key} ${key}` : key;
    this.#first = null;
    const commands = this.commands();
    const command = commands.find((c) => c.keys === wanted);
    if (command !== undefined) {
      event.preventDefault();
      command.run();
    } else if (commands.some((c) => c.keys?.startsWith(`${key} `))) {
      this.#first = { key, at: event.timeStamp };
    }
  };
}

/** `Control+k` (also for Command on a Mac), `Shift+ArrowLeft`, `?`. A key that needs Shift for its character has no `Shift+`. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string {
  const character = event.key.length === 1;
  const parts = [
    event.ctrlKey || event.metaKey ? 'Control' : '',
    event.altKey ? 'Alt' : '',
    event.shiftKey && !character ? 'Shift' : '',
    character ? event.key.toLowerCase() : event.key,
  ];
  return parts.filter((p) => p !== '').join('+');
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input, textarea, select, [role="textbox"]'))
  );
}

function isInDialog(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[role="dialog"], [role="menu"]') !== null;
}
