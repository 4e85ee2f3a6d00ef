import type { Target } from './paint/scene';
import { firstAfter, type LaneSpans } from './tile';
import type { Piece } from './tileCache';

/** Finds what is at a time of a lane, or nearer to it than `slack` milliseconds. */
export function targetAt(pieces: readonly Piece[], lane: string, time: number, slack: number): Target | null {
  let best: Target | null = null;
  let nearest = Infinity;
  for (const piece of pieces) {
    if (piece.span.end < time - slack || piece.span.start > time + slack) continue;
    const spans = piece.tile?.lanes.get(lane);
    if (spans === undefined) continue;
    for (let i = firstAfter(spans, time - slack); i < spans.count; i += 1) {
      const start = spans.start[i] ?? 0;
      if (start > time + slack) break;
      const distance =
        start <= time && time < (spans.end[i] ?? 0)
          ? 0
          : Math.min(Math.abs(start - time), Math.abs((spans.end[i] ?? 0) - time));
      if (distance < nearest) {
        nearest = distance;
        best = targetOf(piece, lane, spans, i);
      }
    }
  }
  return best;
}

/** The spans of a lane that begin in a part of time, in their order, each once. */
export function targetsOf(pieces: readonly Piece[], lane: string): Target[] {
  const found: Target[] = [];
  let seenTo = -Infinity;
  for (const piece of pieces) {
    const spans = piece.tile?.lanes.get(lane);
    if (spans !== undefined) {
      for (let i = firstAfter(spans, piece.span.start); i < spans.count; i += 1) {
        const start = spans.start[i] ?? 0;
        if (start >= piece.span.end) break;
        if (start < seenTo) continue;
        const target = targetOf(piece, lane, spans, i);
        if (target !== null) found.push(target);
      }
    }
    seenTo = piece.span.end;
  }
  return found;
}

/** The next span of the lane in a direction; from nowhere, the one that is nearest to a time. */
export function neighbour(
  targets: readonly Target[],
  from: Target | null,
  direction: 1 | -1,
  time: number,
): Target | null {
  if (from === null) {
    let best: Target | null = null;
    for (const target of targets) {
      if (best === null || Math.abs(target.start - time) < Math.abs(best.start - time)) best = target;
    }
    return best;
  }
  if (direction === 1) return targets.find((target) => target.start > from.start) ?? null;
  return targets.findLast((target) => target.start < from.start) ?? null;
}

function targetOf(piece: Piece, lane: string, spans: LaneSpans, i: number): Target | null {
  const data = piece.tile?.data[spans.data[i] ?? 0];
  if (data === undefined) return null;
  const id = spans.id[i] ?? NaN;
  return {
    lane,
    data,
    start: spans.start[i] ?? 0,
    end: spans.end[i] ?? 0,
    covered: spans.covered[i] ?? 0,
    time: spans.time[i] ?? 0,
    events: spans.events[i] ?? 0,
    id: Number.isNaN(id) ? null : id,
  };
}
