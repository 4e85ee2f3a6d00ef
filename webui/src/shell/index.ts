export { registerCommands, type Command } from './commands.svelte';
export { panels } from './panels.svelte';
export { link, navigate, route, type Params } from './router.svelte';
export { timelineAt } from './timelineLink';
