export { fake } from './fake.svelte';
export { default as FakeBanner } from './FakeBanner.svelte';
