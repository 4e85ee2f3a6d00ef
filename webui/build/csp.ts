/** The content security policy of the page. The server sends the same one; the dev server and the tests enforce it too. */
export const CSP: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'font-src': "'self'",
  'manifest-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

/** Vite's dev server puts styles into the page as elements. They carry this nonce; built pages have none. */
export const DEV_NONCE = 'dev';

export function cspHeader(changes: Record<string, string> = {}): string {
  return Object.entries({ ...CSP, ...changes })
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ');
}
