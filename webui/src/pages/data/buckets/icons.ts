import AppWindow from '@lucide/svelte/icons/app-window';
import Armchair from '@lucide/svelte/icons/armchair';
import CodeXml from '@lucide/svelte/icons/code-xml';
import Database from '@lucide/svelte/icons/database';
import Globe from '@lucide/svelte/icons/globe';
import MusicIcon from '@lucide/svelte/icons/music';
import CalendarDays from '@lucide/svelte/icons/calendar-days';
import Terminal from '@lucide/svelte/icons/terminal';
import Timer from '@lucide/svelte/icons/timer';

/** A picture for each type of bucket that watchers of ActivityWatch use. */
export function iconOf(type: string): typeof Database {
  if (type === 'currentwindow') return AppWindow;
  if (type === 'afkstatus') return Armchair;
  if (type.startsWith('web.')) return Globe;
  if (type.startsWith('app.editor')) return CodeXml;
  if (type.includes('stopwatch')) return Timer;
  if (type.includes('music') || type.includes('spotify') || type.includes('playing')) return MusicIcon;
  if (type.includes('calendar')) return CalendarDays;
  if (type.includes('terminal') || type.includes('shell')) return Terminal;
  return Database;
}
