import { answer, api, ok, type ApiError, toApiError, type Schema } from '../../api';
import { toasts } from '../../design';
import { settings } from '../../settings';
import { t } from '../../text';
import { itemsFrom, toJson, type Item } from './tree';

type Categories = Schema<'CategoriesJson'>;

/** The categories while somebody changes them: nothing is stored before `save`. */
export class CategoryEditor {
  base = $state.raw<Categories | null>(null);
  items = $state.raw<readonly Item[]>([]);
  error = $state.raw<ApiError | null>(null);
  /** Somebody else has stored these since we began to change ours. */
  conflict = $state.raw<Categories | null>(null);
  saving = $state(false);

  readonly json = $derived(toJson(this.items));
  readonly dirty = $derived.by(() => {
    if (this.base === null) return false;
    return JSON.stringify(this.json) !== JSON.stringify(toJson(itemsFrom(this.base.categories)));
  });

  async load(): Promise<void> {
    try {
      this.take(await ok(api.GET('/api/1/categories')));
      this.error = null;
    } catch (thrown) {
      this.error = toApiError(thrown);
    }
  }

  /** Another program may have changed them: shows theirs, or says so if there are changes of ours. */
  async follow(): Promise<void> {
    if (this.saving || this.base === null) return;
    const now = await ok(api.GET('/api/1/categories'));
    if (now.version === this.base.version) return;
    if (this.dirty) this.conflict = now;
    else this.take(now);
  }

  take(categories: Categories): void {
    this.base = categories;
    this.items = itemsFrom(categories.categories);
    this.conflict = null;
  }

  /** Puts other categories into the editor, to look at what they would change. */
  draft(categories: readonly unknown[]): void {
    this.items = itemsFrom(categories);
  }

  discard(): void {
    if (this.base !== null) this.take(this.base);
  }

  /** Ours count: they are stored over those of the others. */
  keepOurs(): void {
    if (this.conflict !== null) this.base = this.conflict;
    this.conflict = null;
  }

  async save(): Promise<boolean> {
    if (this.base === null) return false;
    const header = { 'If-Match': `"${this.base.version}"` };
    this.saving = true;
    try {
      const body = { categories: this.json as never };
      this.take((await answer(api.PUT('/api/1/categories', { params: { header }, body }))).data);
      await this.#stored(t('categories.saved'));
      return true;
    } catch (thrown) {
      await this.#failed(thrown);
      return false;
    } finally {
      this.saving = false;
    }
  }

  /** Adds a rule to a category at once: it is one click. */
  async accept(category: readonly string[], rule: Record<string, unknown>, name: string): Promise<boolean> {
    if (this.base === null) return false;
    const header = { 'If-Match': `"${this.base.version}"` };
    this.saving = true;
    try {
      const body = { category: [...category], rule };
      this.take(await ok(api.POST('/api/1/categories/accept', { params: { header }, body })));
      await this.#stored(t('categories.accepted', { text: name, category: category.join(' › ') }));
      return true;
    } catch (thrown) {
      await this.#failed(thrown);
      return false;
    } finally {
      this.saving = false;
    }
  }

  async #stored(text: string): Promise<void> {
    const version = this.base?.version;
    const { versions } = await ok(api.GET('/api/1/categories/versions', { params: { query: { limit: 1 } } }));
    const newest = versions[0];
    const undo =
      newest === undefined || newest.version !== version
        ? undefined
        : async () => {
            await ok(api.POST('/api/1/undo', { body: { seq: newest.seq } }));
            await this.load();
            await settings.changed('classes');
          };
    toasts.done(text, undo);
    // The colours of categories are those of the setting, on every page.
    await settings.changed('classes');
  }

  async #failed(thrown: unknown): Promise<void> {
    const error = toApiError(thrown);
    if (error.status !== 412) return toasts.error(error);
    const now = await ok(api.GET('/api/1/categories'));
    if (this.dirty) this.conflict = now;
    else {
      this.take(now);
      toasts.error(error);
    }
  }
}

/** Which category the server's message is about: "category 3 (Work): the regular expression ...". */
export function blamed(
  error: ApiError | null,
  items: readonly Item[],
  json: readonly unknown[],
): { key: number; message: string } | null {
  const found = /^category (\d+) \([^)]*\): ([\s\S]*)$/.exec(error?.message ?? '');
  if (found === null) return null;
  const name = JSON.stringify((json[Number(found[1]) - 1] as { name?: unknown } | undefined)?.name);
  const item = items.find((one) => JSON.stringify(one.name) === name);
  return item === undefined ? null : { key: item.key, message: found[2] ?? '' };
}
