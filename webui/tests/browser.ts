import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page, type Request } from 'playwright-core';
import { cspHeader } from '../build/csp';
import { WEBPATH } from './server';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SHOTS = fileURLToPath(new URL('./.shots/', import.meta.url));

export const WIDTHS = { narrow: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } } as const;
export type Width = keyof typeof WIDTHS;

/** A busy machine is slow, not wrong. */
const PATIENCE = 60_000;
/** The stream of news never ends. */
const ENDLESS = '/api/1/stream';

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/**
 * A page that watches itself: console errors, uncaught errors, failed requests, answers of 400 and more, requests to anywhere else and reports of the
 * content security policy. `complaints` must be empty at the end of a test; `forget` takes out what a test provokes.
 */
export class Visitor {
  readonly complaints: string[] = [];
  readonly #running = new Set<Request>();

  private constructor(
    readonly page: Page,
    readonly base: string,
    private readonly context: BrowserContext,
  ) {}

  static async open(
    browser: Browser,
    base: string,
    options: { width?: Width; dark?: boolean; locale?: string } = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({
      viewport: WIDTHS[options.width ?? 'wide'],
      colorScheme: options.dark === true ? 'dark' : 'light',
      locale: options.locale ?? 'en-GB',
      timezoneId: 'Europe/Berlin',
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const visitor = new Visitor(page, base, context);
    await visitor.#watch();
    return visitor;
  }

  /** Opens a page of the UI by its hash and waits until its heading is there. */
  async go(hash: string): Promise<void> {
    await this.page.goto(`${this.base}/#${hash}`);
    await this.page.locator('main h1:not(.unseen)').first().waitFor();
  }

  /**
   * Waits until nothing is asked for and nothing is grey, so that what is counted, measured or photographed is the whole page. Several frames in a row
   * must say so: an answer can lead to the next question.
   */
  async settled(): Promise<void> {
    const end = Date.now() + PATIENCE;
    for (let calm = 0; calm < 3;) {
      const drawn = await this.page.evaluate(
        () =>
          new Promise<boolean>((resolve) =>
            requestAnimationFrame(() =>
              setTimeout(() => resolve(document.querySelector('.skeleton, .wait, [aria-busy="true"]') === null), 30),
            ),
          ),
      );
      calm = drawn && this.#running.size === 0 ? calm + 1 : 0;
      if (Date.now() > end)
        throw new Error(`the page is still loading: ${[...this.#running].map((request) => request.url()).join(' ')}`);
    }
  }

  /** Takes complaints out that a test has provoked. */
  forget(pattern: RegExp): void {
    const kept = this.complaints.filter((text) => !pattern.test(text));
    this.complaints.splice(0, this.complaints.length, ...kept);
  }

  /** All violations that axe-core finds, in one line each. */
  async axe(): Promise<string[]> {
    // Evaluated by the debugger, which the content security policy of the page does not concern.
    const source = await import('node:fs/promises').then((fs) => fs.readFile(AXE, 'utf8'));
    await this.page.evaluate(source);
    return this.page.evaluate(async () => {
      interface Violation {
        id: string;
        help: string;
        nodes: { target: unknown[] }[];
      }
      const axe = (globalThis as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } }).axe;
      const { violations } = await axe.run();
      return violations.map((v) => `${v.id}: ${v.help} at ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`);
    });
  }

  /** A picture in webui/tests/.shots, for human eyes. */
  async shot(name: string): Promise<void> {
    await mkdir(SHOTS, { recursive: true });
    await this.page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true });
  }

  /** Whether the page is wider than the screen. */
  overflows(): Promise<boolean> {
    return this.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  async #watch(): Promise<void> {
    const { page, base, complaints } = this;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('requestfinished', (request) => this.#running.delete(request));
    page.on('request', (request) => {
      // What the page before has asked for is answered to nobody.
      if (request.isNavigationRequest()) this.#running.clear();
      if (!request.url().includes(ENDLESS)) this.#running.add(request);
      if (!request.url().startsWith(base) && !request.url().startsWith('data:'))
        complaints.push(`external: ${request.url()}`);
    });
    page.on('requestfailed', (request) => {
      this.#running.delete(request);
      // The page itself aborts what it no longer needs.
      const why = request.failure()?.errorText ?? '';
      if (why !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()} ${why}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) complaints.push(`status ${response.status()}: ${response.url()}`);
    });
    await page.exposeBinding('reportPolicy', (_, text: string) => complaints.push(`policy: ${text}`));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        const report = (globalThis as unknown as { reportPolicy: (text: string) => void }).reportPolicy;
        report(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    // `--webpath` serves files without our policy; the pages in the binary have it.
    if (WEBPATH === undefined) return;
    await page.route(`${base}/timberline/**`, (route) => {
      const path = new URL(route.request().url()).pathname.replace(/^\/timberline\//, '');
      return route.fulfill({ path: join(WEBPATH ?? '', path === '' ? 'index.html' : path) });
    });
    await page.route(`${base}/`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), 'content-security-policy': cspHeader() } });
    });
  }
}
