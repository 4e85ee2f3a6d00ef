import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import { expect, it } from 'vitest';
import { format, resolveConfig } from 'prettier';
import { Server } from './server';

const SCHEMA = fileURLToPath(new URL('../src/api/schema.d.ts', import.meta.url));

it('the types of the client are those of the API: `npm run api` makes them anew', async () => {
  const server = await Server.start();
  try {
    const description = await server.get<OpenAPI3>('/api/openapi.json');
    const made = astToString(await openapiTS(description));
    const stored = await readFile(SCHEMA, 'utf8');
    // The command line puts a comment in front of it.
    const begin = stored.indexOf('export interface paths');
    const formatted = await format(made, { ...(await resolveConfig(SCHEMA)), filepath: SCHEMA });
    expect(stored.slice(begin)).toBe(formatted.slice(formatted.indexOf('export interface paths')));
  } finally {
    await server.stop();
  }
});
