import { describe, it } from 'vitest';
import { openBrowser, WIDTHS } from './browser';

/**
 * How long frames of the timeline take. It needs a server with much data, and asserts nothing:
 *
 *     TIMBERLINE_FRAMES='http://127.0.0.1:5600/#/timeline?start=...&end=...' npm run test:browser -- timelineFrames
 */
const address = process.env['TIMBERLINE_FRAMES'];

interface Sample {
  work: number[];
  gaps: number[];
}

describe.skipIf(address === undefined)('frames of the timeline', () => {
  it('are measured', async () => {
    const browser = await openBrowser();
    const page = await (await browser.newContext({ viewport: WIDTHS.wide })).newPage();
    await page.goto(address ?? '');
    await page.getByRole('application').waitFor();
    await page.waitForTimeout(4000);
    await page.evaluate(() => {
      const sample: Sample = { work: [], gaps: [] };
      (globalThis as unknown as { sample: Sample }).sample = sample;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          if (entry.name === 'timberline:frame') sample.work.push(entry.duration);
        }
      }).observe({ entryTypes: ['measure'] });
      let last = performance.now();
      const tick = (now: number) => {
        sample.gaps.push(now - last);
        last = now;
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });

    const report = async (name: string) => {
      const { work, gaps } = await page.evaluate(() => {
        const { sample } = globalThis as unknown as { sample: Sample };
        return { work: sample.work.splice(0), gaps: sample.gaps.splice(0) };
      });
      process.stdout.write(
        `${name}: ${work.length} frames, painted in ${percentiles(work)} ms, apart ${percentiles(gaps)} ms\n`,
      );
    };

    await report('at rest');
    for (const direction of [-1, 1, -1, 1]) {
      await page.mouse.move(900 - direction * 350, 400);
      await page.mouse.down();
      for (let i = 0; i < 60; i += 1) {
        await page.mouse.move(900 - direction * (350 - i * 12), 400);
        await page.waitForTimeout(8);
      }
      await page.mouse.up();
      await page.waitForTimeout(300);
    }
    await report('drag');
    await page.mouse.move(800, 400);
    for (let i = 0; i < 90; i += 1) {
      await page.mouse.wheel(0, -100);
      await page.waitForTimeout(30);
    }
    await report('zoom to a second');
    for (let i = 0; i < 120; i += 1) {
      await page.mouse.wheel(0, 100);
      await page.waitForTimeout(30);
    }
    await report('zoom to twenty years');
    await browser.close();
  });
});

function percentiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)]?.toFixed(1) ?? '–';
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}`;
}
