import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openBrowser, Visitor, WIDTHS, type Width } from './browser';
import { fillDay } from './fill';
import { Server } from './server';

let server: Server;
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  server = await Server.start();
  await fillDay(server, '2026-05-12');
});

afterEach(() => server.stop());

it('shows what the doctor finds, and that it is mended', async () => {
  const data = join(server.directory, 'data');
  await chmod(data, 0o755);
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/status');
  const doctor = page.getByRole('region', { name: 'Check in depth' });
  await doctor.getByText(`others may look into ${data}`).waitFor();
  // A new installation has no backup yet.
  await doctor.getByText('none was ever made').waitFor();
  await chmod(data, 0o700);
  await doctor.getByRole('button', { name: 'Check again' }).click();
  await doctor.getByText('others may look into').waitFor({ state: 'detached' });
  await doctor.getByText(/checks are fine/).click();
  await doctor.getByText('only you can read it, and you can write').waitFor();
  await doctor.getByText('What only the command checks').click();
  await doctor.getByText('it is tried out by writing to the data directory').waitFor();
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('says why it shows nothing, and tries again', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await page.route('**/api/1/doctor', (route) =>
    route.fulfill({ status: 503, json: { type: 'unavailable', message: 'The disk does not answer.' } }),
  );
  await visitor.go('/status');
  const doctor = page.getByRole('region', { name: 'Check in depth' });
  await doctor.getByText('The disk does not answer.').waitFor();
  await page.unroute('**/api/1/doctor');
  await doctor.getByRole('button', { name: 'Try again' }).click();
  await doctor.getByText('none was ever made').waitFor();
  visitor.forget(/status of 503|status 503/);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

for (const width of Object.keys(WIDTHS) as Width[]) {
  for (const dark of [false, true]) {
    it(`is accessible and within the screen: ${width}, ${dark ? 'dark' : 'light'}`, async () => {
      const visitor = await Visitor.open(browser, server.url, { width, dark });
      await visitor.go('/status');
      const doctor = visitor.page.getByRole('region', { name: 'Check in depth' });
      await doctor.getByText(/checks are fine/).click();
      await visitor.settled();
      await visitor.shot(`status-doctor-${width}-${dark ? 'dark' : 'light'}`);
      expect(await visitor.axe()).toEqual([]);
      expect(await visitor.overflows()).toBe(false);
      expect(visitor.complaints).toEqual([]);
      await visitor.close();
    });
  }
}
