export type { ServerEvent } from './events';
export { live, type Head, type LiveNews } from './live.svelte';
export type { StreamState } from './stream';
