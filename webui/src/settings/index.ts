export {
  DEFAULTS,
  type CategoryClass,
  type DeviceLook,
  type SavedQuery,
  type SettingKey,
  type Settings,
  type Theme,
  type View,
} from './keys';
export { rememberedLook, settings } from './settings.svelte';
