import { readdir, readFile } from 'node:fs/promises';
import { get, type IncomingHttpHeaders } from 'node:http';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cspHeader } from '../build/csp';
import { BINARY, Server, WEBPATH } from './server';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const STALE = `${BINARY} does not have the pages in ${DIST}: build the pages (npm run build), then the server, or set TIMBERLINE_WEBPATH to ${DIST}`;

describe.skipIf(WEBPATH !== undefined)('the pages in the binary', () => {
  let server: Server;
  let files: string[];

  beforeAll(async () => {
    server = await Server.start();
    const entries = await readdir(DIST, { recursive: true, withFileTypes: true });
    files = entries
      .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
      .map((entry) => relative(DIST, join(entry.parentPath, entry.name)));
  });

  afterAll(() => server.stop());

  const built = (file: string) => readFile(join(DIST, file));

  it('are the ones that were built', async () => {
    const page = await ask(`${server.url}/`);
    expect(page.body.toString(), STALE).toBe((await built('index.html')).toString());
  });

  it('may load their own files and ask this server, nothing else', async () => {
    for (const path of ['/', '/timberline/', '/index.html']) {
      const { headers } = await ask(server.url + path);
      expect(headers['content-security-policy'], path).toBe(cspHeader());
      expect(headers['referrer-policy'], path).toBe('no-referrer');
    }
  });

  it('are kept for ever if their names have a hash, and else asked about', async () => {
    for (const file of files) {
      const { status, headers } = await ask(`${server.url}/${file}`);
      expect(status, `${file}: ${STALE}`).toBe(200);
      expect(headers['cache-control'], file).toBe(
        file.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
    }
  });

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const)('come as %s, and are what was built', async (encoding, decompress) => {
    let compressed = 0;
    for (const file of files) {
      const wanted = await built(file);
      const { headers, body } = await ask(`${server.url}/${file}`, encoding);
      if (headers['content-encoding'] === encoding) compressed += 1;
      else expect(headers['content-encoding'], file).toBeUndefined();
      const plain = headers['content-encoding'] === encoding ? decompress(body) : body;
      expect(plain.equals(wanted), `${file}: ${STALE}`).toBe(true);
      if (/\.(js|css)$/.test(file) && wanted.length > 2000) expect(body.length, file).toBeLessThan(wanted.length * 0.8);
    }
    expect(compressed).toBeGreaterThan(10);
  });
});

/** An answer as it is on the wire: `fetch` would decompress it. */
function ask(url: string, encoding = 'identity') {
  return new Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
    const request = get(url, { headers: { 'Accept-Encoding': encoding } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    request.on('error', reject);
  });
}
