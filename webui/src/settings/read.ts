import {
  DEFAULTS,
  type CategoryClass,
  type SavedQuery,
  type SettingKey,
  type Settings,
  type View,
  type ZoneEntry,
} from './keys';

/** Settings are outside data: other programs write them too. A value that is not what the key needs counts as not set. */
const readers: { [K in SettingKey]: (value: unknown) => Settings[K] | undefined } = {
  startOfDay: (v) => (typeof v === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(v) ? v : undefined),
  startOfWeek: oneOf('Monday', 'Sunday', 'Saturday'),
  durationDefault: (v) => (Number.isFinite(Number(v)) && Number(v) > 0 ? Number(v) : undefined),
  theme: oneOf('auto', 'light', 'dark'),
  locale: text,
  landingpage: text,
  always_active_pattern: text,
  classes: (v) =>
    listOf<CategoryClass>(
      v,
      (c) => Array.isArray(c['name']) && c['name'].every((n) => typeof n === 'string') && isObject(c['rule']),
    ),
  views: (v) => listOf<View>(v, (o) => typeof o['id'] === 'string' && Array.isArray(o['elements'])),
  saved_queries: (v) =>
    listOf<SavedQuery>(v, (o) => typeof o['name'] === 'string' && typeof o['query_code'] === 'string'),
  privacy_filters: list,
  useMultidevice: flag,
  showYearly: flag,
  devmode: flag,
  'timberline.devices': (v) => (isObject(v) ? (v as Settings['timberline.devices']) : undefined),
  'timberline.zone': (v) => (typeof v === 'string' && (v === '' || isZone(v)) ? v : undefined),
  timeZones: (v) => listOf<ZoneEntry>(v, (z) => typeof z['zone'] === 'string' && isZone(z['zone'])),
  'timberline.contrast': oneOf('auto', 'more'),
  'timberline.goals': list,
  'timberline.report': (v) => (isObject(v) ? v : undefined),
};

export function readSetting<K extends SettingKey>(key: K, value: unknown): Settings[K] {
  return readers[key](value) ?? DEFAULTS[key];
}

export function readSettings(values: Readonly<Record<string, unknown>>): Settings {
  const entries = Object.keys(DEFAULTS).map((key) => [key, readSetting(key as SettingKey, values[key])]);
  return Object.fromEntries(entries) as Settings;
}

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(DEFAULTS, key);
}

function oneOf<T extends string>(...values: T[]) {
  return (value: unknown): T | undefined => values.find((v) => v === value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function list(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function listOf<T>(value: unknown, fits: (item: Record<string, unknown>) => boolean): T[] | undefined {
  return Array.isArray(value) ? value.filter((item): item is T => isObject(item) && fits(item)) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
