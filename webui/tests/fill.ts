import type { Server } from './server';

export const HOST = 'laptop';

/**
 * The date that the pages call today: a day begins at four in the morning in Berlin. Around midnight it is neither the date of UTC nor that of Berlin, and
 * tests run at any hour.
 */
export function today(): string {
  const inBerlin = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short' });
  return inBerlin.format(Date.now() - 4 * 3600_000);
}

/** A start of the day, for the setting `startOfDay`, that is about twelve hours away: no test runs over it. */
export function farStartOfDay(): string {
  const hour = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', hourCycle: 'h23' });
  return `${String((Number(hour.format(Date.now())) + 12) % 24).padStart(2, '0')}:00`;
}

/** One working day on one device: 09:00 to 17:00 in Berlin, with a break at noon. Small and known, so that tests can add it up. */
export async function fillDay(server: Server, date: string): Promise<void> {
  const at = (clock: string) => new Date(`${date}T${clock}:00Z`).toISOString();
  const event = (from: string, to: string, data: Record<string, unknown>) => ({
    timestamp: at(from),
    duration: (Date.parse(at(to)) - Date.parse(at(from))) / 1000,
    data,
  });
  await bucket(server, `aw-watcher-afk_${HOST}`, 'afkstatus', [
    event('08:00', '11:00', { status: 'not-afk' }),
    event('11:00', '12:00', { status: 'afk' }),
    event('12:00', '16:00', { status: 'not-afk' }),
  ]);
  await bucket(server, `aw-watcher-window_${HOST}`, 'currentwindow', [
    event('08:00', '10:00', { app: 'Code', title: 'main.rs - timberline' }),
    event('10:00', '12:00', { app: 'Firefox', title: '<img src=x onerror=alert(1)> שלום' }),
    event('12:00', '14:30', { app: 'Code', title: 'lib.rs - timberline' }),
    event('14:30', '16:00', { app: 'Slack', title: 'general' }),
  ]);
  await bucket(server, `aw-watcher-web-firefox_${HOST}`, 'web.tab.current', [
    event('10:00', '11:00', { url: 'https://example.org/a', title: 'A', audible: false, incognito: false }),
  ]);
}

export async function bucket(server: Server, id: string, type: string, events: unknown[]): Promise<void> {
  await server.post(`/api/0/buckets/${encodeURIComponent(id)}`, { client: 'test', type, hostname: HOST });
  await server.post(`/api/0/buckets/${encodeURIComponent(id)}/events`, events);
}
