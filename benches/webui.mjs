#!/usr/bin/env node
// How long it takes from navigating to a page of the web UI until its last chart is drawn, in Debian's chromium:
//
//   node benches/webui.mjs --url http://127.0.0.1:5600 [--path /] [--standard HOST] [--date 2026-06-10] [--rounds 20]
//
// The server must have data, such as those of `timberline fake --days 365`. "first" is a browser without any cache, and for the
// first line also a server that was just started, if you have just started it; "again" is the same page reloaded, "new tab" the same page in a new
// tab: a process of its own, which has the files in its cache but has not read any code yet. Pages of
// Timberline's own web UI set the mark `timberline:ready` when all their charts are drawn. With --standard HOST the standard web
// UI at `/` is measured, which has no such mark: the time is then that of the last answer from the server, so without drawing.
// Timberline's own is at `/timberline/` too, where it asks one question more. A page that is not complete in time says why it is not.
//
// Then it drags and zooms the timeline, and prints how long frames took: "painted" is the work of the page, "apart" the time between
// frames, which is that of the screen (16.7 ms) if none was missed.
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

const require = createRequire(
  new URL("../webui/package.json", import.meta.url),
);
const { chromium } = require("playwright-core");

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:5600" },
    date: { type: "string", default: new Date().toISOString().slice(0, 10) },
    path: { type: "string", default: "/" },
    rounds: { type: "string", default: "20" },
    standard: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const RANGES = ["day", "week", "month", "year"];
/** How long nothing may arrive until a page without a mark counts as complete. */
const QUIET = 1_000;
const MOST = 60_000;

const own = (range) =>
  `${values.url}${values.path}#/activity?range=${range}&date=${values.date}`;
const standard = (range) =>
  `${values.url}/#/activity/${values.standard}/${range}/${values.date}/view/summary`;
const address = values.standard === undefined ? own : standard;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  console.log(`${values.url}, ${values.date}, ${rounds} rounds; milliseconds`);
  for (const range of RANGES) await measure(range);
  if (values.standard === undefined) await measureTimeline();
} finally {
  await browser.close();
}

async function measure(range) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
  });
  let page = await context.newPage();
  const traffic = count(page);
  const first = await navigate(page, address(range), traffic);
  // Sizes come a moment after the page is complete.
  await page.waitForTimeout(200);
  const { requests, bytes } = traffic;
  if (range === RANGES[0] && values.standard === undefined)
    await printScripts(page);
  const again = [];
  for (let round = 0; round < rounds; round += 1)
    again.push(await reload(page, address(range), traffic));
  const tabs = [];
  for (let round = 0; round < rounds; round += 1) {
    await page.close();
    page = await context.newPage();
    // The browser has a process ready for a tab that somebody opens.
    await page.waitForTimeout(500);
    tabs.push(await navigate(page, address(range), count(page)));
  }
  await context.close();
  console.log(
    `${range.padEnd(6)} first ${first.toFixed(0).padStart(6)}   again ${quantiles(again)}   new tab ${quantiles(tabs)}` +
      `   first page: ${requests} requests, ${(bytes / 1024).toFixed(0)} KiB`,
  );
}

function quantiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) =>
    sorted[
      Math.min(sorted.length - 1, Math.floor(sorted.length * share))
    ].toFixed(0);
  return `p50 ${at(0.5).padStart(5)} p95 ${at(0.95).padStart(5)}`;
}

/** Opens the page in a tab that shows nothing yet, or another page. */
async function navigate(page, url, traffic) {
  await page.goto(url, { waitUntil: "commit" });
  return ready(page, url, traffic);
}

/** Loads the page anew, with its files from the browser's cache. */
async function reload(page, url, traffic) {
  await page.waitForTimeout(200);
  await page.reload({ waitUntil: "commit" });
  return ready(page, url, traffic);
}

/** When the page was complete, in milliseconds since the navigation began. */
async function ready(page, url, traffic) {
  if (values.standard === undefined) {
    const mark = () =>
      performance.getEntriesByName("timberline:ready").at(0)?.startTime;
    const ready = await page
      .waitForFunction(mark, undefined, { timeout: MOST, polling: "raf" })
      .catch((error) => {
        throw new Error(
          `${url} is not complete. ${traffic.complaints.slice(0, 5).join("; ")}`,
          { cause: error },
        );
      });
    return ready.jsonValue();
  }
  for (traffic.last = Date.now(); Date.now() - traffic.last < QUIET;)
    await page.waitForTimeout(50);
  return page.evaluate(() =>
    Math.max(
      ...performance
        .getEntriesByType("resource")
        .map((entry) => entry.responseEnd),
    ),
  );
}

/** Counts what is requested, and notes when the last answer came. */
function count(page) {
  const traffic = { requests: 0, bytes: 0, last: Date.now(), complaints: [] };
  page.on("response", (answer) => {
    if (answer.status() >= 400)
      traffic.complaints.push(`${answer.status()} ${answer.url()}`);
  });
  page.on("pageerror", (error) => traffic.complaints.push(error.message));
  page.on("requestfinished", async (request) => {
    traffic.last = Date.now();
    traffic.requests += 1;
    const sizes = await request.sizes().catch(() => null);
    traffic.bytes +=
      (sizes?.responseBodySize ?? 0) + (sizes?.responseHeadersSize ?? 0);
  });
  return traffic;
}

/** The scripts that the page itself names, which are there before anything is shown, as gzip. */
async function printScripts(page) {
  const links = () =>
    [...document.querySelectorAll("script[src], link[rel=modulepreload]")].map(
      (element) => element.src || element.href,
    );
  // What pages load later is preloaded too; the document as it was sent says what is needed at first.
  const sent = await (await fetch(values.url + values.path)).text();
  const initial = (await page.evaluate(links)).filter((address) =>
    sent.includes(new URL(address).pathname.split("/").at(-1)),
  );
  let bytes = 0;
  for (const address of initial) {
    const answer = await fetch(address, {
      headers: { "Accept-Encoding": "identity" },
    });
    bytes += gzipSync(Buffer.from(await answer.arrayBuffer()), {
      level: 9,
    }).length;
  }
  console.log(
    `initial JavaScript: ${initial.length} files, ${(bytes / 1024).toFixed(1)} KiB as gzip`,
  );
}

async function measureTimeline() {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
  });
  const page = await context.newPage();
  await page.goto(
    `${values.url}${values.path}#/timeline?range=month&date=${values.date}`,
  );
  await page.getByRole("application").waitFor();
  await page.waitForTimeout(3_000);
  await page.evaluate(() => {
    const sample = (globalThis.sample = { work: [], gaps: [] });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (entry.name === "timberline:frame") sample.work.push(entry.duration);
    }).observe({ entryTypes: ["measure"] });
    let last = performance.now();
    requestAnimationFrame(function tick(now) {
      sample.gaps.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    });
  });
  const report = async (name) => {
    const { work, gaps } = await page.evaluate(() => ({
      work: sample.work.splice(0),
      gaps: sample.gaps.splice(0),
    }));
    console.log(
      `timeline, ${name}: ${work.length} frames, painted in ${percentiles(work)}, apart ${percentiles(gaps)}`,
    );
  };
  await page.waitForTimeout(1_000);
  await report("at rest");
  for (const direction of [-1, 1, -1, 1]) {
    await page.mouse.move(900 - direction * 350, 400);
    await page.mouse.down();
    for (let step = 0; step < 60; step += 1) {
      await page.mouse.move(900 - direction * (350 - step * 12), 400);
      await page.waitForTimeout(8);
    }
    await page.mouse.up();
    await page.waitForTimeout(300);
  }
  await report("drag");
  await wheel(page, -100, 90);
  await report("zoom to a second");
  await wheel(page, 100, 120);
  await report("zoom to ten years and more");
  await context.close();
}

async function wheel(page, by, times) {
  await page.mouse.move(800, 400);
  for (let turn = 0; turn < times; turn += 1) {
    await page.mouse.wheel(0, by);
    await page.waitForTimeout(30);
  }
}

function percentiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) =>
    sorted[
      Math.min(Math.floor(sorted.length * share), sorted.length - 1)
    ]?.toFixed(1) ?? "-";
  return `p50 ${at(0.5)} p95 ${at(0.95)} p99 ${at(0.99)}`;
}
