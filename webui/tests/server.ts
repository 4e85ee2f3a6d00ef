import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const BINARY = process.env['TIMBERLINE_BIN'] ?? here('../../target/release/timberline');
/** Pages to test instead of those in the binary, so that work on pages needs no build of the server: `TIMBERLINE_WEBPATH=dist`. */
export const WEBPATH = process.env['TIMBERLINE_WEBPATH'];

export interface ServerOptions {
  args?: readonly string[];
  webpath?: string;
  /** The text of its configuration file. */
  config?: string;
  /** The command that starts it, `serve` if none is given, and what else is in its environment. */
  command?: 'serve' | 'up';
  environment?: Readonly<Record<string, string>>;
  /** What clients of this test send as their key. */
  key?: string;
  /** Fills the home directory and that of the data before the server starts. */
  prepare?: (home: string, data: string) => Promise<void>;
}

/** A real server with a directory of its own, which serves the pages that are part of it. */
export class Server {
  private constructor(
    readonly url: string,
    readonly directory: string,
    private readonly process: ChildProcess,
    private readonly key: string | undefined,
  ) {}

  static async start(options: ServerOptions = {}): Promise<Server> {
    for (const needed of [BINARY, ...(WEBPATH === undefined ? [] : [join(WEBPATH, 'index.html')])]) {
      if (!existsSync(needed))
        throw new Error(`${needed} is missing: build it first (TIMBERLINE_BIN names another server)`);
    }
    const webpath = options.webpath ?? WEBPATH;
    const directory = await mkdtemp(join(tmpdir(), 'timberline-webui-'));
    if (options.config !== undefined) {
      await mkdir(join(directory, 'config', 'timberline'), { recursive: true });
      await writeFile(join(directory, 'config', 'timberline', 'config.toml'), options.config);
    }
    await options.prepare?.(directory, join(directory, 'data'));
    // Between the search for a free port and its use somebody else can take it.
    for (let tries = 1; ; tries += 1) {
      const server = Server.#spawn(directory, await freePort(), { ...options, webpath });
      try {
        await server.ready();
        return server;
      } catch (error) {
        await server.#end();
        if (tries === 3) throw error;
      }
    }
  }

  static #spawn(
    directory: string,
    port: number,
    { webpath, args: more = [], key, command = 'serve', environment }: ServerOptions,
  ): Server {
    const args = [
      command,
      '--port',
      String(port),
      '--dbpath',
      join(directory, 'data'),
      ...(webpath === undefined ? [] : ['--webpath', webpath]),
      '--no-legacy-import',
    ];
    const child = spawn(BINARY, [...args, ...more], {
      // Nothing of the person's own configuration.
      env: {
        PATH: process.env['PATH'],
        HOME: directory,
        XDG_CONFIG_HOME: join(directory, 'config'),
        TZ: 'Europe/Berlin',
        ...environment,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new Server(`http://127.0.0.1:${port}`, directory, child, key);
  }

  async stop(): Promise<void> {
    await this.#end();
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
    const headers: Record<string, string> = {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(this.key === undefined ? {} : { Authorization: `Bearer ${this.key}` }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.url + path, { method, headers, ...sent });
    const text = await response.text();
    if (!response.ok && response.status !== 304) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  async #end(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await exited;
  }

  private async ready(): Promise<void> {
    const end = Date.now() + 60_000;
    while (Date.now() < end) {
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
