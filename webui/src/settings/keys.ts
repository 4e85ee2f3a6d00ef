import type { WeekStart } from '../calendar';

/** The settings that the server keeps: those of the standard web UI under its names, and ours under `timberline.`. */
export interface Settings {
  startOfDay: string;
  startOfWeek: WeekStart;
  /** Seconds of the standard web UI's timeline. */
  durationDefault: number;
  theme: Theme;
  locale: string;
  landingpage: string;
  always_active_pattern: string;
  classes: CategoryClass[];
  views: View[];
  saved_queries: SavedQuery[];
  privacy_filters: unknown[];
  useMultidevice: boolean;
  showYearly: boolean;
  devmode: boolean;
  /** Names and colours of devices by host name. */
  'timberline.devices': Record<string, DeviceLook>;
  /** The person's zone; empty: the browser's. */
  'timberline.zone': string;
  /** Where the person was and is: the first zone holds from the beginning, each other one from its instant on. The server's rules go by it. */
  timeZones: ZoneEntry[];
  /** More contrast than the system asks for. */
  'timberline.contrast': Contrast;
  'timberline.goals': unknown[];
  'timberline.report': Record<string, unknown>;
}

export type Theme = 'auto' | 'light' | 'dark';
export type Contrast = 'auto' | 'more';

export interface ZoneEntry {
  zone: string;
  from?: string;
}

export interface CategoryClass {
  name: string[];
  rule: { type: string | null; regex?: string; ignore_case?: boolean; [other: string]: unknown };
  data?: { color?: string; score?: number; [other: string]: unknown };
  id?: number | string;
  [other: string]: unknown;
}

export interface View {
  id: string;
  name: string;
  elements: { type: string; size?: number; props?: Record<string, unknown>; [other: string]: unknown }[];
  [other: string]: unknown;
}

export interface SavedQuery {
  id: string;
  name: string;
  query_code: string;
  start_day_offset?: number;
  end_day_offset?: number;
  event_type?: string;
  [other: string]: unknown;
}

export interface DeviceLook {
  name?: string;
  color?: string;
}

export type SettingKey = keyof Settings;

export const DEFAULTS: Settings = {
  startOfDay: '04:00',
  startOfWeek: 'Monday',
  durationDefault: 14_400,
  theme: 'auto',
  locale: '',
  landingpage: '/home',
  always_active_pattern: '',
  classes: [],
  views: [],
  saved_queries: [],
  privacy_filters: [],
  useMultidevice: false,
  showYearly: false,
  devmode: false,
  'timberline.devices': {},
  'timberline.zone': '',
  timeZones: [],
  'timberline.contrast': 'auto',
  'timberline.goals': [],
  'timberline.report': {},
};
