import { reading } from '../../api';
import { rangeFrom, today } from '../../calendar';
import { resource } from '../../data';
import { live } from '../../live';
import { settings } from '../../settings';
import { route } from '../../shell';
import { text } from '../../text';
import {
  bucketLane,
  categoryLane,
  CurrentLooks,
  layout,
  sortLanes,
  type Lane,
  type Span,
  type TimelineInput,
} from '../../timeline';
import { StoredArrangement } from './arrangement.svelte';
import { liveSpans } from './live';
import { periodAround, rangeSpan } from './periods';
import { extentOf, iso, loadBuckets } from './sources';

export type LaneMode = 'bucket' | 'category';

/** What the timeline page shows. The address is its memory: time, lanes, devices and what is hidden. */
export class TimelineModel {
  readonly arrangement = new StoredArrangement();
  readonly buckets = resource(
    () => 'buckets',
    (_, signal) => loadBuckets(signal),
    { live: (news) => news.kind === 'buckets' },
  );
  readonly #current = new CurrentLooks();
  /** Categories that were met in a tile, as the text of their names. Lanes appear when there is something in them. */
  met = $state.raw<ReadonlySet<string>>(new Set());
  marking = $state(false);
  following = $state(false);
  narrow = $state(false);
  /** The height that there is for lanes, in pixels. */
  room = $state(0);

  readonly mode: LaneMode = $derived(route.get('lanes') === 'category' ? 'category' : 'bucket');
  // As texts first: with each move the address changes, but lists made of equal texts stay the same lists.
  readonly #deviceText: string = $derived(route.get('devices') ?? '');
  readonly #hiddenText: string = $derived(JSON.stringify(route.all('hide')));
  readonly devices: readonly string[] = $derived(this.#deviceText.split(',').filter((device) => device !== ''));
  readonly hidden: ReadonlySet<string> = $derived(new Set(JSON.parse(this.#hiddenText) as string[]));
  readonly extent: Span | null = $derived(extentOf(this.buckets.value ?? []));
  /** What the overview is made of: windows, or everything if there are none. */
  readonly overviewBuckets: readonly string[] = $derived.by(() => {
    const lanes = this.#bucketLanes();
    const windows = lanes.filter((lane) => lane.kind === 'window');
    return (windows.length > 0 ? windows : lanes).flatMap((lane) => lane.bucket ?? []);
  });
  readonly allDevices: readonly string[] = $derived(
    [...new Set((this.buckets.value ?? []).map((bucket) => bucket.hostname))].sort(),
  );
  readonly lanes: readonly Lane[] = $derived(this.mode === 'category' ? this.#categoryLanes() : this.#bucketLanes());
  readonly #byKey = $derived(new Map([...this.#bucketLanes(), ...this.lanes].map((lane) => [lane.key, lane])));
  /** Lanes of buckets that are not hidden: what can be edited or deleted in a range. */
  readonly shownBucketLanes: readonly Lane[] = $derived(
    sortLanes(this.#bucketLanes(), []).filter((lane) => !this.hidden.has(lane.key)),
  );
  readonly layout = $derived(layout(this.lanes, this.arrangement.with(this.hidden), this.room));
  readonly looks = $derived(this.#current.looks);
  readonly input: TimelineInput = $derived({
    layout: this.layout,
    looks: this.looks,
    paints: this.#current.paints,
    calendar: settings.calendar,
    locale: text.locale,
    live: this.mode === 'bucket' && !reading.past ? liveSpans(live.heads.values()) : new Map<string, never>(),
    laneLabels: this.narrow,
    marking: this.marking,
  });

  laneOf(key: string): Lane | undefined {
    return this.#byKey.get(key);
  }

  /** The time in the address; without one, the newest day on which something was recorded. Null: not known yet. */
  wanted(): Span | null {
    const start = Date.parse(route.get('start') ?? '');
    const end = Date.parse(route.get('end') ?? '');
    if (start < end) return { start, end };
    const calendar = settings.calendar;
    const named = { range: route.get('range'), date: route.get('date'), from: route.get('from'), to: route.get('to') };
    if (named.range !== null || named.date !== null) return rangeSpan(rangeFrom(named, calendar), calendar);
    if (this.buckets.value === undefined) return null;
    const day = rangeSpan({ kind: 'day', date: today(calendar) }, calendar);
    const last = this.extent?.end ?? day.end;
    return last > day.start ? day : periodAround('day', last - 1, calendar, null);
  }

  /** The absence that the address asks about: that of a link in a notification or in the tray. */
  absence(): Span | null {
    const [start = NaN, end = NaN] = route.all('away').map(Date.parse);
    return start < end ? { start, end } : null;
  }

  remember(view: Span): void {
    const change = { start: iso(view.start), end: iso(view.end), range: null, date: null, from: null, to: null };
    route.set(change, { replace: true });
  }

  show(change: { lanes?: LaneMode; devices?: readonly string[]; hide?: readonly string[] }): void {
    route.set({
      ...(change.lanes === undefined ? {} : { lanes: change.lanes === 'bucket' ? null : change.lanes }),
      ...(change.devices === undefined ? {} : { devices: change.devices.join(',') }),
      ...(change.hide === undefined ? {} : { hide: change.hide }),
    });
  }

  meet(names: Iterable<string>): void {
    const all = new Set([...this.met, ...names]);
    if (all.size > this.met.size) this.met = all;
  }

  #bucketLanes(): Lane[] {
    const buckets = this.buckets.value ?? [];
    const shown = this.devices.length === 0 ? buckets : buckets.filter((b) => this.devices.includes(b.hostname));
    return shown.map(bucketLane);
  }

  /** In the order of the tree, so that lanes stay where they are while somebody moves through time. */
  #categoryLanes(): Lane[] {
    const order = this.#current.categories.map((category) => JSON.stringify(category.name));
    const place = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
    const keys = [...this.met].sort((a, b) => place(a) - place(b));
    return keys.map((key) => categoryLane(JSON.parse(key) as string[]));
  }
}
