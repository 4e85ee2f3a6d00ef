import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const BINARY = process.env['TIMBERLINE_BIN'] ?? here('../../target/release/timberline');
/** Pages to test instead of those in the binary, so that work on pages needs no build of the server: `TIMBERLINE_WEBPATH=dist`. */
export const WEBPATH = process.env['TIMBERLINE_WEBPATH'];

/** A real server with a directory of its own, which serves the pages that are part of it. */
export class Server {
  private constructor(
    readonly url: string,
    readonly directory: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(options: { args?: readonly string[]; webpath?: string } = {}): Promise<Server> {
    for (const needed of [BINARY, ...(WEBPATH === undefined ? [] : [join(WEBPATH, 'index.html')])]) {
      if (!existsSync(needed))
        throw new Error(`${needed} is missing: build it first (TIMBERLINE_BIN names another server)`);
    }
    const webpath = options.webpath ?? WEBPATH;
    const directory = await mkdtemp(join(tmpdir(), 'timberline-webui-'));
    const port = await freePort();
    const args = [
      'serve',
      '--port',
      String(port),
      '--dbpath',
      join(directory, 'data'),
      ...(webpath === undefined ? [] : ['--webpath', webpath]),
      '--no-legacy-import',
    ];
    const child = spawn(BINARY, [...args, ...(options.args ?? [])], {
      // Nothing of the person's own configuration.
      env: {
        PATH: process.env['PATH'],
        HOME: directory,
        XDG_CONFIG_HOME: join(directory, 'config'),
        TZ: 'Europe/Berlin',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const server = new Server(`http://127.0.0.1:${port}`, directory, child);
    await server.ready();
    return server;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const exited = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      await exited;
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  async get<T = unknown>(path: string): Promise<T> {
    return this.#send<T>('GET', path);
  }

  async post<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('POST', path, body);
  }

  async patch<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('PATCH', path, body);
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const response = await fetch(this.url + path, { method, ...init });
    const text = await response.text();
    if (!response.ok && response.status !== 304) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  private async ready(): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      if (this.process.exitCode !== null) throw new Error(`the server ended with ${this.process.exitCode}`);
      const answer = await fetch(`${this.url}/ready`).catch(() => null);
      if (answer?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the server did not become ready');
  }
}

async function freePort(): Promise<number> {
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const address = socket.address();
  socket.close();
  await once(socket, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
