import { api, ok } from '../api';
import type { Calendar } from '../calendar';
import { DEFAULTS, type SettingKey, type Settings } from './keys';
import { isSettingKey, readSetting, readSettings } from './read';

/** The zone of the system. To ask for it takes a millisecond. */
const SYSTEM_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** All settings, loaded once and then kept in step: by our own changes, and by `changed` for those of other programs. */
class SettingsStore {
  #values = $state.raw<Settings>(DEFAULTS);
  #set = $state.raw<ReadonlySet<string>>(new Set());
  loaded = $state(false);
  #loading: Promise<void> | null = null;

  get value(): Settings {
    return this.#values;
  }

  /** Our own changes on their way: news about them are no news. */
  #saving = new Map<string, number>();

  /** Whether the server has a value for the key, so that a default can be told from a choice. */
  isSet(key: SettingKey): boolean {
    return this.#set.has(key);
  }

  /** Loads them. Who calls it while they are being loaded waits for the same answer. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #load(): Promise<void> {
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
    this.#saving.set(key, (this.#saving.get(key) ?? 0) + 1);
    try {
      await ok(api.POST('/api/0/settings/{key}', { params: { path: { key } }, body: value as never }));
    } catch (error) {
      if (this.#values[key] === value) this.#show(key, before.values[key]);
      throw error;
    } finally {
      this.#saving.set(key, (this.#saving.get(key) ?? 1) - 1);
    }
  }

  /** Another program has changed the setting. */
  async changed(key: string): Promise<void> {
    if (!isSettingKey(key) || (this.#saving.get(key) ?? 0) > 0) return;
    const value = await ok(api.GET('/api/0/settings/{key}', { params: { path: { key } } }));
    if (JSON.stringify(readSetting(key, value)) !== JSON.stringify(this.#values[key]))
      this.#show(key, readSetting(key, value));
  }

  readonly calendar: Calendar = $derived({
    zone: this.#values['timberline.zone'] || SYSTEM_ZONE,
    dayStart: this.#values.startOfDay,
    weekStart: this.#values.startOfWeek,
  });

  #show<K extends SettingKey>(key: K, value: Settings[K]): void {
    this.#values = { ...this.#values, [key]: value };
    this.#set = new Set([...this.#set, key]);
    this.#keepLook();
  }

  /** What the first paint needs is also kept in the browser, where the standard web UI keeps it. */
  #keepLook(): void {
    try {
      localStorage.setItem('theme', this.#values.theme);
      localStorage.setItem('landingpage', this.#values.landingpage);
      localStorage.setItem('timberline.contrast', this.#values['timberline.contrast']);
      if (this.#values.locale !== '') localStorage.setItem('locale', this.#values.locale);
    } catch {
      // Without storage the first paint follows the system.
    }
  }
}

export const settings = new SettingsStore();
