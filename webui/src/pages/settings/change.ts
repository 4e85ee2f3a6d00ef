import { toasts } from '../../design';
import { settings, type SettingKey, type Settings } from '../../settings';
import { t } from '../../text';

/** Stores a setting at once, with a way back. */
export async function change<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
  const before = settings.value[key];
  if (JSON.stringify(before) === JSON.stringify(value)) return;
  try {
    await settings.save(key, value);
    toasts.done(t('common.saved'), () => settings.save(key, before));
  } catch (error) {
    toasts.error(error);
  }
}
