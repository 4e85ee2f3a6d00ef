import { theme, toasts } from '../design';
import { reading } from '../api';
import { settings } from '../settings';
import { t } from '../text';
import type { Command } from './commands.svelte';
import { PAGES } from './pages';
import { panels } from './panels.svelte';
import { navigate } from './router.svelte';

export function toggleTheme(): void {
  settings.save('theme', theme.dark ? 'light' : 'dark').catch((error: unknown) => toasts.error(error));
}

/** The commands that are there on every page. */
export function shellCommands(): readonly Command[] {
  const group = t('shell.keys.everywhere');
  const pages = PAGES.filter((page) => page.nav !== undefined || page.name === 'first-run').map((page): Command => ({
    id: `go.${page.name}`,
    title: t('shell.go', { page: t(page.title) }),
    group: t('shell.navigation'),
    keys: page.key === undefined ? undefined : `g ${page.key}`,
    words: page.name,
    run: () => navigate(page.path),
  }));
  const past: Command[] = reading.past
    ? [{ id: 'now', title: t('shell.past.now'), group, run: () => reading.now() }]
    : [];
  return [
    {
      id: 'palette',
      title: t('shell.commands'),
      group,
      keys: 'Control+k',
      onlyKey: true,
      run: () => panels.open('palette'),
    },
    { id: 'keys', title: t('shell.keys.open'), group, keys: '?', run: () => panels.open('keys') },
    { id: 'search', title: t('search.title'), group, keys: '/', onlyKey: true, run: () => navigate('/search') },
    { id: 'theme', title: t('shell.theme.toggle'), group, run: toggleTheme },
    ...past,
    ...pages,
    { id: 'gallery', title: t('shell.gallery'), group, run: () => navigate('/gallery') },
  ];
}
