import type { Contrast, Theme } from '../settings';

/** Light or dark, as it is shown now. Canvas and charts read it to draw anew when it changes. */
class ShownTheme {
  #media = window.matchMedia('(prefers-color-scheme: dark)');
  #system = $state(this.#media.matches);
  #choice = $state<Theme>('auto');
  readonly dark = $derived(this.#choice === 'auto' ? this.#system : this.#choice === 'dark');

  constructor() {
    this.#media.addEventListener('change', () => (this.#system = this.#media.matches));
  }

  show(choice: Theme): void {
    this.#choice = choice;
    if (choice === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = choice;
  }

  /** More contrast, whatever the system says; tokens.css has the colours. */
  contrast(choice: Contrast): void {
    if (choice === 'auto') delete document.documentElement.dataset['contrast'];
    else document.documentElement.dataset['contrast'] = choice;
  }
}

export const theme = new ShownTheme();

/** The colour of a token as it is now, for a canvas: `tokenColor('--accent')`. Read `theme.dark` too, to hear of changes. */
export function tokenColor(token: `--${string}`): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  // With the forced colours of the system every text has one colour. A canvas keeps those of the theme.
  probe.style.setProperty('forced-color-adjust', 'none');
  probe.hidden = true;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
