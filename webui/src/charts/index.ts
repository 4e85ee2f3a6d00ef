export { default as Chart } from './Chart.svelte';
export { canvasColor } from './theme';
