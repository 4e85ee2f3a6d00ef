interface Bucket {
  readonly id: string;
  readonly type: string;
  readonly hostname: string;
  readonly count: number;
}

/** In this order; others are on the page of the timeline. */
const TYPES = ['afkstatus', 'currentwindow', 'web.tab.current', 'app.editor.activity', 'general.stopwatch'];
const MOST = 8;

/** The buckets that are lanes of the card: the usual kinds, of the chosen devices. A stopwatch is of no device. */
export function lanesOf<B extends Bucket>(buckets: readonly B[], devices: readonly string[]): B[] {
  const ofDevice = ({ type, hostname }: B) =>
    devices.length === 0 || devices.includes(hostname) || type === 'general.stopwatch';
  return buckets
    .filter((bucket) => bucket.count > 0 && TYPES.includes(bucket.type) && ofDevice(bucket))
    .sort((a, b) => TYPES.indexOf(a.type) - TYPES.indexOf(b.type) || a.id.localeCompare(b.id))
    .slice(0, MOST);
}
