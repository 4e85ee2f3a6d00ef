import { api, ok } from '../api';
import type { Calendar } from '../calendar';
import { DEFAULTS, type SettingKey, type Settings } from './keys';
import { isSettingKey, readSetting, readSettings } from './read';

/** All settings, loaded once and then kept in step: by our own changes, and by `changed` for those of other programs. */
class SettingsStore {
  #values = $state.raw<Settings>(DEFAULTS);
  #set = $state.raw<ReadonlySet<string>>(new Set());
  loaded = $state(false);

  get value(): Settings {
    return this.#values;
  }

  /** Whether the server has a value for the key, so that a default can be told from a choice. */
  isSet(key: SettingKey): boolean {
    return this.#set.has(key);
  }

  async load(): Promise<void> {
    const all = (await ok(api.GET('/api/0/settings'))) as Record<string, unknown>;
    this.#values = readSettings(all);
    this.#set = new Set(Object.keys(all));
    this.loaded = true;
    this.#keepLook();
  }

  /** Shows the value at once and saves it. If the server refuses it, the old value is shown again and the error is thrown. */
  async save<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    const before = { values: this.#values, set: this.#set };
    this.#show(key, value);
    try {
      await ok(api.POST('/api/0/settings/{key}', { params: { path: { key } }, body: value as never }));
    } catch (error) {
      if (this.#values[key] === value) this.#show(key, before.values[key]);
      throw error;
    }
  }

  /** Another program has changed the setting. */
  async changed(key: string): Promise<void> {
    if (!isSettingKey(key)) return;
    const value = await ok(api.GET('/api/0/settings/{key}', { params: { path: { key } } }));
    this.#show(key, readSetting(key, value));
  }

  get calendar(): Calendar {
    const { startOfDay, startOfWeek } = this.#values;
    const zone = this.#values['timberline.zone'] || Intl.DateTimeFormat().resolvedOptions().timeZone;
    return { zone, dayStart: startOfDay, weekStart: startOfWeek };
  }

  #show<K extends SettingKey>(key: K, value: Settings[K]): void {
    this.#values = { ...this.#values, [key]: value };
    this.#set = new Set([...this.#set, key]);
    this.#keepLook();
  }

  /** Theme and language are also kept in the browser, where the standard web UI keeps them, so that the first paint is right. */
  #keepLook(): void {
    try {
      localStorage.setItem('theme', this.#values.theme);
      if (this.#values.locale !== '') localStorage.setItem('locale', this.#values.locale);
    } catch {
      // Without storage the first paint follows the system.
    }
  }
}

export const settings = new SettingsStore();

/** What the browser remembers of the look before the settings are here. */
export function rememberedLook(): { theme: string | null; locale: string | null } {
  try {
    return { theme: localStorage.getItem('theme'), locale: localStorage.getItem('locale') };
  } catch {
    return { theme: null, locale: null };
  }
}
