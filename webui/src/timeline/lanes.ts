import { bucketKey, categoryKey } from './tile';

/** What a lane shows, which decides the colours and the words of its events. */
export type LaneKind = 'window' | 'afk' | 'web' | 'editor' | 'stopwatch' | 'task' | 'category' | 'other';

export interface Lane {
  readonly key: string;
  readonly kind: LaneKind;
  /** The id of the bucket; null for a category. */
  readonly bucket: string | null;
  readonly category: readonly string[] | null;
  readonly title: string;
  readonly device: string;
}

export interface LaneLook {
  readonly collapsed?: boolean;
  readonly tall?: boolean;
}

/** A row on the screen: the name of a device, or a lane. `y` is from the top of all rows. */
export type Row =
  | {
      readonly kind: 'device';
      readonly device: string;
      readonly y: number;
      readonly height: number;
      readonly folded: boolean;
    }
  | {
      readonly kind: 'lane';
      readonly lane: Lane;
      readonly y: number;
      readonly height: number;
      readonly collapsed: boolean;
    };

export interface Layout {
  readonly rows: readonly Row[];
  readonly height: number;
}

export const LANE_HEIGHTS = { collapsed: 14, normal: 44, most: 84, device: 30 } as const;

interface Bucket {
  readonly id: string;
  readonly type: string;
  readonly hostname: string;
}

const KINDS: Readonly<Record<string, LaneKind>> = {
  currentwindow: 'window',
  app: 'window',
  afkstatus: 'afk',
  'web.tab.current': 'web',
  'app.editor.activity': 'editor',
  'general.stopwatch': 'stopwatch',
  afktask: 'task',
};
const ORDER: readonly LaneKind[] = ['window', 'web', 'editor', 'stopwatch', 'task', 'other', 'afk', 'category'];

export function bucketLane(bucket: Bucket): Lane {
  return {
    key: bucketKey(bucket.id),
    kind: KINDS[bucket.type] ?? 'other',
    bucket: bucket.id,
    category: null,
    title: shortName(bucket),
    device: bucket.hostname,
  };
}

export function categoryLane(names: readonly string[]): Lane {
  return {
    key: categoryKey(names),
    kind: 'category',
    bucket: null,
    category: names,
    title: names.join(' › '),
    device: '',
  };
}

/** "aw-watcher-web-firefox_laptop" on the device "laptop" is "web-firefox": what tells it from its neighbours. */
function shortName({ id, hostname }: Bucket): string {
  const withoutHost = hostname !== '' && id.endsWith(`_${hostname}`) ? id.slice(0, -hostname.length - 1) : id;
  return withoutHost.replace(/^aw-(watcher-|import-)?/, '') || id;
}

export interface Arrangement {
  /** Keys of lanes in the order in which the person put them; others come after them, by kind and name. */
  readonly order: readonly string[];
  readonly hidden: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
  readonly looks: Readonly<Record<string, LaneLook>>;
}

export const PLAIN: Arrangement = { order: [], hidden: new Set(), folded: new Set(), looks: {} };

export function sortLanes(lanes: readonly Lane[], order: readonly string[]): Lane[] {
  const place = new Map(order.map((key, i) => [key, i]));
  const rank = (lane: Lane) => place.get(lane.key) ?? order.length;
  // Categories keep the order of the server: the most time first.
  return [...lanes].sort(
    (a, b) =>
      a.device.localeCompare(b.device) ||
      rank(a) - rank(b) ||
      ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) ||
      (a.kind === 'category' ? 0 : a.title.localeCompare(b.title)),
  );
}

/**
 * Puts the lanes below each other, below the names of their devices if there are several. If there is more room than they need, they grow into
 * it, up to a height at which they still look like lanes.
 */
export function layout(lanes: readonly Lane[], arrangement: Arrangement, room = 0): Layout {
  const shown = sortLanes(lanes, arrangement.order).filter((lane) => !arrangement.hidden.has(lane.key));
  const named = new Set(shown.map((lane) => lane.device)).size > 1;
  const rows: Row[] = [];
  let y = 0;
  let device: string | null = null;
  const normal = normalHeight(shown, arrangement, room);
  for (const lane of shown) {
    const folded = named && arrangement.folded.has(lane.device);
    if (named && lane.device !== device) {
      device = lane.device;
      rows.push({ kind: 'device', device, y, height: LANE_HEIGHTS.device, folded });
      y += LANE_HEIGHTS.device;
    }
    if (folded) continue;
    const { collapsed = false, tall = false } = arrangement.looks[lane.key] ?? {};
    const height = collapsed ? LANE_HEIGHTS.collapsed : tall ? 2 * normal : normal;
    rows.push({ kind: 'lane', lane, y, height, collapsed });
    y += height;
  }
  return { rows, height: y };
}

function normalHeight(lanes: readonly Lane[], { looks }: Arrangement, room: number): number {
  let collapsed = 0;
  let parts = 0;
  for (const lane of lanes) {
    const look = looks[lane.key];
    if (look?.collapsed === true) collapsed += 1;
    else parts += look?.tall === true ? 2 : 1;
  }
  const devices = new Set(lanes.map((lane) => lane.device)).size;
  const rest = room - collapsed * LANE_HEIGHTS.collapsed - (devices > 1 ? devices * LANE_HEIGHTS.device : 0);
  const fair = Math.floor(rest / Math.max(parts, 1));
  return Math.min(Math.max(fair, LANE_HEIGHTS.normal), LANE_HEIGHTS.most);
}

/** The row at a height, if there is one. */
export function rowAt({ rows }: Layout, y: number): Row | null {
  return rows.find((row) => y >= row.y && y < row.y + row.height) ?? null;
}
