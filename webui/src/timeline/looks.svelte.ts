import { api, ok } from '../api';
import { resource } from '../data';
import { categoryColors } from '../design';
import { theme } from '../design/theme.svelte';
import { settings } from '../settings';
import { t } from '../text';
import { readPaints, type Paints } from './colors';
import { Looks } from './looks';
import { classifier, type Category } from './rules';

/** The looks of events by the person's categories and the theme that is shown. Create it with a component. */
export class CurrentLooks {
  readonly #categories = resource(
    () => settings.value.classes,
    (_, signal) => ok(api.GET('/api/1/categories', { signal })),
  );
  readonly categories: readonly Category[] = $derived(
    (this.#categories.value?.categories ?? []) as readonly Category[],
  );
  readonly paints: Paints = $derived.by(() => {
    void theme.dark;
    return readPaints();
  });
  readonly looks: Looks = $derived(
    new Looks({
      paints: this.paints,
      classify: classifier(this.categories),
      categoryColor: categoryColors(this.categories as Parameters<typeof categoryColors>[0]),
      words: { active: t('timeline.active'), away: t('timeline.away') },
    }),
  );
}
