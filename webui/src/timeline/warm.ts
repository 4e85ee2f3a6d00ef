import type { LaneKind } from './lanes';
import type { Looks } from './looks';
import type { Tile } from './tile';

/** Less than half of what a frame has. */
const SLICE = 5;

/** Finds the looks of a tile's data before it is painted: regular expressions over thousands of titles are too slow for a frame. */
export async function warm(
  tile: Tile,
  looks: Looks,
  kindOf: (lane: string) => LaneKind,
  signal: AbortSignal,
): Promise<void> {
  let began = performance.now();
  for (const [key, lane] of tile.lanes) {
    const kind = kindOf(key);
    for (let i = 0; i < lane.count; i += 1) {
      const data = tile.data[lane.data[i] ?? 0];
      if (data !== undefined) looks.of(kind, data);
      if (performance.now() - began < SLICE) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (signal.aborted) return;
      began = performance.now();
    }
  }
}
