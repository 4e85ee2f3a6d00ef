export { answer, api, findServer, ok, serverBase } from './client';
export { ApiError, isAbort, toApiError } from './error';
export { apiKey, keepApiKey, onKeyNeeded } from './key';
export { reading } from './reading.svelte';
export type { components, paths } from './schema';

import type { components } from './schema';

/** A schema of the API by its name: `Schema<'Bucket'>`. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];
