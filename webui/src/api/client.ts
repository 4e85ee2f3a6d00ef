import createClient, { type Middleware } from 'openapi-fetch';
import { takeEarly } from './early';
import { fromAnswer, isAbort, toApiError } from './error';
import { apiKey, keyNeeded } from './key';
import { reading } from './reading.svelte';
import type { paths } from './schema';

/** The paths whose operation has the parameter `as_of`, by the API's own description. */
type ReadsPast<Method extends 'get' | 'post'> = {
  [P in keyof paths]: paths[P] extends Record<Method, { parameters: { query?: { as_of?: unknown } } }> ? P : never;
}[keyof paths];

const PAST_GET = [
  '/api/0/buckets',
  '/api/0/buckets/{bucket}',
  '/api/0/buckets/{bucket}/events',
  '/api/0/buckets/{bucket}/events/count',
  '/api/0/buckets/{bucket}/events/{event}',
  '/api/0/buckets/{bucket}/export',
  '/api/0/export',
  '/api/1/activity',
  '/api/1/buckets',
  '/api/1/categories',
  '/api/1/events',
  '/api/1/export',
  '/api/1/search',
  '/api/1/timeline',
  '/api/1/usage',
] as const satisfies readonly ReadsPast<'get'>[];

// Settings are read as they are now: a past theme or language helps nobody who looks at the past.
const PAST_POST = [
  '/api/0/query',
  '/api/1/export',
  '/api/1/query/explain',
] as const satisfies readonly ReadsPast<'post'>[];

const past = new Set<string>([...PAST_GET.map((p) => `GET ${p}`), ...PAST_POST.map((p) => `POST ${p}`)]);

/** The directory of the page. The API is beside it, so the page works below any base path of the server. */
const DIRECTORY = new URL('.', location.href.split('#')[0]).href.replace(/\/$/, '');
/** Where these pages are even if another web UI is at `/`. */
const SECOND = '/timberline';
let base = DIRECTORY;

const headersAndMoment: Middleware = {
  async onRequest({ request, schemaPath }) {
    const key = apiKey();
    if (key !== null) request.headers.set('Authorization', `Bearer ${key}`);
    const asOf = reading.asOf;
    if (asOf === null || !past.has(`${request.method} ${schemaPath}`)) return request;
    const url = new URL(request.url);
    if (!url.searchParams.has('as_of')) url.searchParams.set('as_of', asOf);
    return readdressed(request, url);
  },
  onResponse({ response }) {
    if (response.status === 401) keyNeeded();
    return undefined;
  },
};

/**
 * The same request to another address. Its body is read first: Chromium sends the body of a request that was made from another one only over HTTP/2.
 * openapi-fetch takes only requests of the class that it was given.
 */
async function readdressed(request: Request, url: URL): Promise<Request> {
  const { method, headers, signal } = request;
  const body = method === 'GET' ? null : await request.text();
  return new ServerRequest(url, { method, headers, signal, body });
}

/** A request to the server that was found since the client was made. A text is an address of the client's, a URL is taken as it is. */
class ServerRequest extends Request {
  constructor(address: RequestInfo | URL, init?: RequestInit) {
    super(typeof address === 'string' ? base + address.slice(DIRECTORY.length) : address, init);
  }
}

/** The address of the server, without a slash at its end. */
export function serverBase(): string {
  return base;
}

/**
 * Finds the server for a page at `/timberline/`. That is either the second address of these pages, so that the API is one step up, or the name that a proxy
 * gives to the server, so that the API is beside the page.
 */
export async function findServer(): Promise<void> {
  if (!DIRECTORY.endsWith(SECOND)) return;
  const above = DIRECTORY.slice(0, -SECOND.length);
  // eslint-disable-next-line no-restricted-globals -- the client needs to know where the server is
  const answer = await fetch(`${above}/health`).catch(() => null);
  if (answer?.ok === true && (await answer.text()).trim() === 'alive') base = above;
}

export const api = createClient<paths>({
  baseUrl: DIRECTORY,
  // eslint-disable-next-line no-restricted-globals -- this is the client
  fetch: (request) => takeEarly(request) ?? fetch(request),
  Request: ServerRequest,
  querySerializer: { array: { style: 'form', explode: true } },
});
api.use(headersAndMoment);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; everything else is thrown as an `ApiError` (an abort as what it is). */
export async function ok<T>(request: Promise<Answer<T>>): Promise<T> {
  return (await answer(request)).data;
}

/** As `ok`, with the response, for answers whose headers matter. */
export async function answer<T>(request: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  let got: Answer<T>;
  try {
    got = await request;
  } catch (thrown) {
    throw isAbort(thrown) ? thrown : toApiError(thrown);
  }
  if (!got.response.ok) throw fromAnswer(got.response.status, got.error);
  return { data: got.data as T, response: got.response };
}
