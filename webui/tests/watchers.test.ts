import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Schema } from '../src/api';
import { openBrowser, Visitor, WIDTHS, type Width } from './browser';
import { Server } from './server';

type Watcher = Schema<'Watcher'>;

/** A watcher that runs until it is ended. */
const PROGRAM = `#!/bin/sh
if [ "$1" = --help ]; then echo 'usage: [--testing] [--port PORT]'; exit; fi
exec sleep 600
`;

async function installProgram(home: string) {
  const bin = join(home, 'bin');
  await mkdir(bin, { recursive: true });
  const program = join(bin, 'aw-watcher-test');
  await writeFile(program, PROGRAM);
  await chmod(program, 0o755);
}

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([
    // A desktop that does not answer: the modules say what they lack, and the program runs.
    Server.start({
      command: 'up',
      environment: { DISPLAY: ':54321', DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' },
      prepare: installProgram,
    }),
    openBrowser(),
  ]);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

async function watcher(name: string): Promise<Watcher> {
  const { watchers } = await server.get<{ watchers: Watcher[] }>('/api/1/watchers');
  const found = watchers.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no watcher ${name}`);
  return found;
}

const minutesLeft = ({ paused }: Watcher) => (Date.parse(paused?.until ?? '') - Date.now()) / 60_000;

it('switches a program on and off again, and takes it back', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/settings');
  const program = page.getByRole('listitem').filter({ hasText: 'aw-watcher-test' }).first();
  const turned = program.getByRole('switch', { name: 'aw-watcher-test' });
  await turned.click();
  await program.getByText('Running', { exact: true }).waitFor();
  expect(await watcher('aw-watcher-test')).toMatchObject({ enabled: true, state: 'running' });
  await turned.click();
  await page
    .locator('.toast')
    .filter({ hasText: 'aw-watcher-test is switched off.' })
    .getByRole('button', { name: 'Undo' })
    .click();
  await expect.poll(async () => (await watcher('aw-watcher-test')).enabled).toBe(true);
  await program.getByText('Running', { exact: true }).waitFor();
  await turned.click();
  await program.getByText('Off', { exact: true }).waitFor();
  await expect.poll(async () => (await watcher('aw-watcher-test')).state).toBe('off');
  expect(await turned.isChecked()).toBe(false);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('says what a module lacks, and why each way does not work', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/settings');
  const presence = page.getByRole('listitem').filter({ hasText: 'Whether you are at the machine' }).first();
  await presence.getByText('Cannot record', { exact: true }).waitFor();
  await presence.getByText(/^What was tried/).click();
  await presence.getByText(/the X server :54321 cannot be reached/).waitFor();
  await visitor.go('/status');
  const brief = page.getByRole('region', { name: 'Watchers' });
  await brief.getByText('Presence', { exact: true }).waitFor();
  await brief.getByText('there is no session bus').first().waitFor();
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('pauses one and all, and each as long as is said', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/settings');
  const choose = async (button: string, length: string) => {
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.getByRole('menuitem', { name: length, exact: true }).click();
  };
  await choose('Pause Media playback', 'For 15 minutes');
  await page.getByText('Media playback is paused.').waitFor();
  expect(minutesLeft(await watcher('media'))).toSatisfy((left: number) => left > 0 && left <= 15);
  expect((await watcher('window')).paused).toBeNull();

  await choose('Pause all', 'For 1 hour');
  await page.getByText('All watchers are paused.').waitFor();
  expect(minutesLeft(await watcher('window'))).toSatisfy((left: number) => left > 15 && left <= 60);
  // Taken back, Media playback is paused as it was, and the others are not.
  await page
    .locator('.toast')
    .filter({ hasText: 'All watchers are paused.' })
    .getByRole('button', { name: 'Undo' })
    .click();
  await expect.poll(async () => (await watcher('window')).paused).toBeNull();
  await expect.poll(async () => (await watcher('media')).paused?.until).toBeTypeOf('string');
  expect(minutesLeft(await watcher('media'))).toBeLessThanOrEqual(15);

  await choose('Pause Windows', 'Until tomorrow');
  await page.getByText('Windows is paused.').waitFor();
  const hours = minutesLeft(await watcher('window')) / 60;
  expect(hours).toSatisfy((left: number) => left > 0 && left <= 25);
  await page.getByRole('button', { name: 'Resume Windows' }).click();
  await expect.poll(async () => (await watcher('window')).paused).toBeNull();
  await page.getByRole('button', { name: 'Resume all' }).click();
  await expect.poll(async () => (await watcher('media')).paused).toBeNull();
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('follows what others command, and is honest when the server refuses', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/settings');
  await page.getByRole('button', { name: 'Pause Windows', exact: true }).waitFor();
  await page.route('**/api/1/watchers/window/disable', (route) =>
    route.fulfill({ status: 403, json: { message: 'This token may only read.' } }),
  );
  await page.getByRole('switch', { name: 'Windows' }).click();
  await page.getByRole('alert').getByText('This token may only read.').waitFor();
  await expect.poll(() => page.getByRole('switch', { name: 'Windows' }).isChecked()).toBe(true);
  await server.post('/api/1/watchers/window/pause', {});
  await page.getByRole('button', { name: 'Resume Windows' }).waitFor();
  await server.post('/api/1/watchers/window/resume', {});
  visitor.forget(/status of 403|status 403/);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

for (const width of Object.keys(WIDTHS) as Width[]) {
  for (const dark of [false, true]) {
    it(`is accessible and within the screen: ${width}, ${dark ? 'dark' : 'light'}`, async () => {
      const visitor = await Visitor.open(browser, server.url, { width, dark });
      for (const name of ['settings', 'status']) {
        await visitor.go(`/${name}`);
        await visitor.page.getByText('Cannot record').first().waitFor();
        await visitor.settled();
        if (name === 'settings')
          await visitor.page
            .getByText(/^What was tried/)
            .first()
            .click();
        await visitor.shot(`watchers-${name}-${width}-${dark ? 'dark' : 'light'}`);
        expect.soft(await visitor.axe(), name).toEqual([]);
        expect.soft(await visitor.overflows(), name).toBe(false);
      }
      expect(visitor.complaints).toEqual([]);
      await visitor.close();
    });
  }
}

it('says how to record where the server does not', async () => {
  const bare = await Server.start();
  try {
    const visitor = await Visitor.open(browser, bare.url);
    const { page } = visitor;
    await visitor.go('/settings');
    await page.getByText('This server records nothing by itself').waitFor();
    await page.getByText(`timberline up --port ${new URL(bare.url).port}`).waitFor();
    expect(await page.getByRole('switch').count()).toBe(0);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  } finally {
    await bare.stop();
  }
});
