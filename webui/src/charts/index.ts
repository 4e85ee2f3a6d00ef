export { default as Chart } from './Chart.svelte';
export { default as ChartTable, type ChartValues } from './ChartTable.svelte';
export { default as HourClock, type ClockHour } from './HourClock.svelte';
export { default as HeatGrid, type HeatCell } from './HeatGrid.svelte';
export { default as StackedBars } from './StackedBars.svelte';
export { default as Sunburst } from './Sunburst.svelte';
export { canvasColor } from './theme';
