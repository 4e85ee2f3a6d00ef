import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST } from './fill';
import { Server } from './server';

const WINDOWS = `aw-watcher-window_${HOST}`;

interface Delivery {
  on: string;
  records?: { kind: string }[];
}

/** A program that webhooks call. It takes what comes, or refuses it. */
class Receiver {
  readonly taken: Delivery[] = [];
  status = 204;

  private constructor(
    readonly url: string,
    private readonly http: HttpServer,
  ) {}

  static async start(): Promise<Receiver> {
    const http = createServer();
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const receiver = new Receiver(`http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`, http);
    http.on('request', (request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        if (receiver.status < 300) receiver.taken.push(JSON.parse(text) as Delivery);
        response.writeHead(receiver.status).end();
      });
    });
    return receiver;
  }

  async stop(): Promise<void> {
    const closed = once(this.http, 'close');
    this.http.close();
    this.http.closeAllConnections();
    await closed;
  }
}

let server: Server;
let browser: Browser;
let receiver: Receiver;
let visitor: Visitor;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  [server, receiver] = await Promise.all([Server.start(), Receiver.start()]);
  await fillDay(server, '2026-03-02');
  await server.post('/api/1/webhooks', {
    url: receiver.url,
    name: 'my script',
    trigger: { on: 'records', buckets: [WINDOWS], kinds: ['events-inserted'] },
  });
  visitor = await Visitor.open(browser, server.url);
  page = visitor.page;
  await visitor.go('/status');
});

afterEach(async () => {
  await visitor.close();
  await server.stop();
  await receiver.stop();
});

const hook = () => page.getByRole('listitem').filter({ hasText: 'my script' });
const insert = () =>
  server.post(`/api/0/buckets/${WINDOWS}/events`, [
    { timestamp: '2026-03-03T08:00:00Z', duration: 60, data: { app: 'Code', title: 'x' } },
  ]);
const records = () => receiver.taken.filter(({ on }) => on === 'records');

describe('a webhook', () => {
  it('is tested with one click: what the other program answers is said', async () => {
    await hook().getByRole('button', { name: 'Test' }).click();
    await page.getByText('Delivered: status 204.').waitFor();
    expect(receiver.taken.map(({ on }) => on)).toEqual(['test']);

    receiver.status = 500;
    await hook().getByRole('button', { name: 'Test' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: /Not delivered: .*500/ })
      .waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  it('delivers nothing while it is paused, and what it has missed afterwards', async () => {
    await hook().getByRole('button', { name: 'Pause' }).click();
    await hook().getByText('Paused:').waitFor();
    await insert();
    // The server goes through what happens in order: the test is after the insert.
    await hook().getByRole('button', { name: 'Test' }).click();
    await page.getByText('Delivered: status 204.').waitFor();
    expect(records()).toEqual([]);

    await hook().getByRole('button', { name: 'Continue' }).click();
    await hook().getByText('Delivers').waitFor();
    await expect
      .poll(() => records().flatMap((delivery) => delivery.records?.map(({ kind }) => kind)))
      .toEqual(['events-inserted']);
    expect(visitor.complaints).toEqual([]);
  });

  it('shows its deliveries, the failed ones with their reason', async () => {
    receiver.status = 503;
    await insert();
    await expect
      .poll(async () => (await server.get<{ webhooks: { failed: number }[] }>('/api/1/webhooks')).webhooks[0]?.failed)
      .toBeGreaterThan(0);
    await hook().getByRole('button', { name: 'Deliveries' }).click();
    const dialog = page.getByRole('dialog', { name: 'Deliveries of my script' });
    await dialog.getByText('503').first().waitFor();
    await visitor.settled();
    expect(await visitor.axe()).toEqual([]);
    await visitor.shot('webhook-deliveries');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await hook().getByText('failed').waitFor();
    expect(visitor.complaints).toEqual([]);
  });
});
