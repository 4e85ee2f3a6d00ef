import { dateFrom } from '../calendar';
import { dateText, t } from '../text';
import type { Command } from './commands.svelte';
import { navigate } from './router.svelte';

/** What somebody types into the palette can be a day to go to. */
export function dated(typed: string): Command[] {
  const date = dateFrom(typed.trim());
  if (date === null) return [];
  const to = (page: string) => () => navigate(page, { range: 'day', date: date.toString() });
  const day = dateText(date);
  return [
    { id: 'typed.activity', title: day, group: t('activity.title'), run: to('/activity') },
    { id: 'typed.timeline', title: day, group: t('timeline.title'), run: to('/timeline') },
  ];
}

/** Or something to search for. */
export function searched(typed: string): Command[] {
  const q = typed.trim();
  if (q === '') return [];
  const run = () => navigate('/search', { q });
  return [{ id: 'typed.search', title: t('shell.commands.search', { text: q }), group: t('search.title'), run }];
}
