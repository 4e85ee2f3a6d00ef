import { describe, expect, it } from 'vitest';
import { bucketLane, LANE_HEIGHTS, layout, PLAIN, rowAt, sortLanes } from './lanes';

const bucket = (id: string, type: string, hostname: string) => bucketLane({ id, type, hostname });
const laptop = [
  bucket('aw-watcher-afk_laptop', 'afkstatus', 'laptop'),
  bucket('aw-watcher-window_laptop', 'currentwindow', 'laptop'),
  bucket('aw-watcher-web-firefox_laptop', 'web.tab.current', 'laptop'),
];
const phone = bucket('aw-watcher-android_phone', 'currentwindow', 'phone');
const keys = (rows: ReturnType<typeof layout>['rows']) =>
  rows.map((row) => (row.kind === 'lane' ? row.lane.title : `[${row.device}]`));

describe('lanes', () => {
  it('are named by what tells them apart, and sorted by what they are', () => {
    expect(keys(layout(laptop, PLAIN).rows)).toEqual(['window', 'web-firefox', 'afk']);
  });

  it('lie below each other without gaps, below the names of devices if there are several', () => {
    const { rows, height } = layout([...laptop, phone], PLAIN);
    expect(keys(rows)).toEqual(['[laptop]', 'window', 'web-firefox', 'afk', '[phone]', 'android']);
    let y = 0;
    for (const row of rows) {
      expect(row.y).toBe(y);
      y += row.height;
    }
    expect(height).toBe(y);
  });

  it('can be hidden, folded, collapsed and put in another order', () => {
    const window = laptop[1]?.key ?? '';
    const arranged = {
      order: [laptop[0]?.key ?? ''],
      hidden: new Set([laptop[2]?.key ?? '']),
      folded: new Set(['phone']),
      looks: { [window]: { collapsed: true } },
    };
    const { rows } = layout([...laptop, phone], arranged);
    expect(keys(rows)).toEqual(['[laptop]', 'afk', 'window', '[phone]']);
    expect(rows[2]?.height).toBe(LANE_HEIGHTS.collapsed);
  });

  it('grow into the room that there is, but not beyond what looks like a lane', () => {
    expect(layout(laptop, PLAIN, 180).height).toBe(180);
    expect(layout(laptop, PLAIN, 2000).height).toBe(3 * LANE_HEIGHTS.most);
    expect(layout(laptop, PLAIN, 20).height).toBe(3 * LANE_HEIGHTS.normal);
  });

  it('are found by their height', () => {
    const all = layout(laptop, PLAIN);
    expect(rowAt(all, LANE_HEIGHTS.normal + 1)).toBe(all.rows[1]);
    expect(rowAt(all, all.height)).toBeNull();
    expect(sortLanes([], [])).toEqual([]);
  });
});
