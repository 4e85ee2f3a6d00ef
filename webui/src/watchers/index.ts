export { upCommand } from './upCommand';
export { enable, pause, restorePauses, resume, type WatcherList } from './commands';
export type { Pause } from './pauses';
export { default as WatcherMark } from './WatcherMark.svelte';
export {
  backendsOf,
  isOnItsWay,
  isPaused,
  lackOf,
  lookOf,
  stateText,
  titleOf,
  untilText,
  whatOf,
  type Watcher,
} from './words';
