/** Where the standard web UI keeps the API key as well, so that a change of the UI asks for nothing. */
const PLACE = 'aw-api-token';

export function apiKey(): string | null {
  try {
    return sessionStorage.getItem(PLACE);
  } catch {
    return null; // storage is switched off
  }
}

export function keepApiKey(key: string | null): void {
  try {
    if (key === null || key === '') sessionStorage.removeItem(PLACE);
    else sessionStorage.setItem(PLACE, key);
  } catch {
    // Without storage the key is asked for after each reload.
  }
}

let asked: () => void = () => undefined;

/** Calls the listener when an answer says that a key is needed, or that the one we have is not (or no longer) good. */
export function onKeyNeeded(listener: () => void): void {
  asked = listener;
}

export function keyNeeded(): void {
  asked();
}

/** Takes the key from `/?token=KEY`, and removes it from the address so that it is not shown or copied along. */
export function takeKeyFromAddress(): void {
  const url = new URL(location.href);
  const key = url.searchParams.get('token');
  if (key === null) return;
  keepApiKey(key);
  url.searchParams.delete('token');
  history.replaceState(history.state, '', url);
}
