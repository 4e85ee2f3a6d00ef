export { readPaints, type Paints } from './colors';
export {
  bucketLane,
  categoryLane,
  layout,
  PLAIN,
  sortLanes,
  type Arrangement,
  type Lane,
  type LaneKind,
  type Layout,
  type Row,
} from './lanes';
export { Looks, wordsOf, type Look } from './looks';
export { CurrentLooks } from './looks.svelte';
export { default as TimelineStrip } from './TimelineStrip.svelte';
export type { LiveSpan, Target } from './paint/scene';
export { classifier, type Category } from './rules';
export { bucketKey, readTile, type Data, type Tile } from './tile';
export type { TimelineInput } from './contract';
export { AXIS_HEIGHT, Timeline } from './timeline';
export { warm } from './warm';
export { DAY, fit, HOUR, length, middle, MINUTE, overlap, SECOND, YEAR, type Span } from './view';
