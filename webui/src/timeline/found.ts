import { neighbour, targetAt, targetsOf } from './hits';
import type { LiveSpan, Target } from './paint/scene';
import type { Piece } from './tileCache';
import type { Span } from './view';

/** What is where in the pieces that are loaded. The span that goes on now is newer than its piece, so it comes first. */
export class Found {
  constructor(
    private readonly pieces: readonly Piece[],
    private readonly live: ReadonlyMap<string, LiveSpan>,
  ) {}

  /** The span of a lane at a time, or one that is at most `slack` away. */
  at(lane: string, time: number, slack: number): Target | null {
    const live = this.#liveOf(lane);
    if (live !== null && live.start <= time && time < live.end) return live;
    return targetAt(this.pieces, lane, time, slack);
  }

  /** All spans of a lane in a view. */
  within(lane: string, view: Span): Target[] {
    const isIn = (target: Span) => target.end > view.start && target.start < view.end;
    const found = targetsOf(this.pieces, lane).filter(isIn);
    const live = this.#liveOf(lane);
    if (live === null) return found;
    return [...found.filter((target) => target.id !== live.id), ...(isIn(live) ? [live] : [])];
  }

  /** The span before or after another one of the lane; without one, of a time. */
  beside(lane: string, from: Target | null, direction: 1 | -1, time: number): Target | null {
    return neighbour(targetsOf(this.pieces, lane), from?.lane === lane ? from : null, direction, from?.start ?? time);
  }

  #liveOf(lane: string): Target | null {
    const live = this.live.get(lane);
    if (live === undefined) return null;
    const covered = live.end - live.start;
    return { lane, ...live, covered, time: covered, events: 1 };
  }
}
