import { apiKey } from './key';

/**
 * Requests that were sent before the code was here that needs their answers. Until `endEarly`, everyone who asks for the same gets the same answer:
 * while a page is made for the first time, all that it asks for is asked at one time.
 */
let answers: Map<string, Promise<Response>> | null = new Map();

/** Sends requests for these paths below the directory of the page. */
export function askEarly(paths: readonly string[]): void {
  const key = apiKey();
  const headers: HeadersInit = key === null ? {} : { Authorization: `Bearer ${key}` };
  for (const path of paths) {
    const address = new URL(`.${path}`, location.href.split('#')[0]).href;
    // eslint-disable-next-line no-restricted-globals -- the client is not here yet
    const answer = fetch(address, { headers });
    // Who takes it sees why it failed.
    answer.catch(() => undefined);
    answers?.set(address, answer);
  }
}

/** The answer to a request, if it was sent early. */
export function takeEarly(request: Request): Promise<Response> | undefined {
  if (request.method !== 'GET') return undefined;
  return answers?.get(request.url)?.then((answer) => answer.clone());
}

/** From now on every request is sent. */
export function endEarly(): void {
  answers = null;
}
