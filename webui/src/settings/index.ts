export {
  DEFAULTS,
  type Contrast,
  type CategoryClass,
  type DeviceLook,
  type SavedQuery,
  type SettingKey,
  type Settings,
  type Theme,
  type View,
  type ZoneEntry,
} from './keys';
export { landingPath, landingSetting } from './landing';
export { rememberedLook } from './look';
export { settings } from './settings.svelte';
