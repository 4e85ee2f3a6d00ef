import { byName } from '../design';
import { canvasColor } from '../charts/theme';
import { blend, inkOn, rgbOf, rgbText, type Paints } from './colors';
import type { LaneKind } from './lanes';
import type { Data } from './tile';

/** How the data of an event are shown. */
export interface Look {
  readonly fill: string;
  readonly ink: string;
  /** The name: an app, a domain, a file. */
  readonly label: string;
  /** What it is about: a title. */
  readonly detail: string;
  readonly category: readonly string[] | null;
  /** The colour from hardly there to all there. */
  readonly shades: readonly string[];
}

export interface LookSource {
  readonly paints: Paints;
  readonly classify: (data: Data) => readonly string[] | null;
  readonly categoryColor: (path: readonly string[]) => string;
  readonly words: { readonly active: string; readonly away: string };
}

/** What has no category is quieter than what has one. */
const QUIET = 0.58;
const SHADES = Array.from({ length: 11 }, (_, i) => 0.16 + 0.84 * (i / 10));
const MOST_KNOWN = 30_000;

/** The looks of data. Each object is looked at once; equal words have equal looks. */
export class Looks {
  #byData = new WeakMap<Data, Look>();
  #shades = new Map<string, readonly string[]>();
  #byText = new Map<string, readonly string[] | null>();

  readonly active: Look;
  readonly away: Look;

  constructor(readonly source: LookSource) {
    const { paints, words } = source;
    this.active = this.#look(paints.accent, 0.62, { label: words.active, detail: '', category: null });
    this.away = this.#look(paints.none, 0.34, { label: words.away, detail: '', category: null });
  }

  of(kind: LaneKind, data: Data): Look {
    let look = this.#byData.get(data);
    if (look === undefined) {
      look = this.#make(kind, data);
      this.#byData.set(data, look);
    }
    return look;
  }

  #make(kind: LaneKind, data: Data): Look {
    const { label, detail } = wordsOf(kind, data);
    if (kind === 'afk') return this.#status(data);
    const category = ownCategory(data) ?? (kind === 'window' || kind === 'web' ? this.#category(data) : null);
    const showsCategory = category !== null && category[0] !== 'Uncategorized';
    if (showsCategory) {
      return this.#look(this.source.categoryColor(category), 1, {
        label: label || (category.at(-1) ?? ''),
        detail,
        category,
      });
    }
    if (category !== null && label === '') return this.#look(this.source.paints.none, 1, { label, detail, category });
    const name = kind === 'web' ? (hostOf(data['url']) ?? label) : label;
    return this.#look(byName(name), QUIET, { label, detail, category });
  }

  #status(data: Data): Look {
    if (data['status'] === 'not-afk') return this.active;
    return data['status'] === 'afk' ? this.away : { ...this.away, label: firstText(data) };
  }

  #look(color: string, share: number, words: Pick<Look, 'label' | 'detail' | 'category'>): Look {
    const surface = rgbOf(this.source.paints.surface);
    const rgb = blend(rgbOf(canvasColor(color)), share, surface);
    const fill = rgbText(rgb);
    let shades = this.#shades.get(fill);
    if (shades === undefined) {
      shades = SHADES.map((strength) => rgbText(blend(rgb, strength, surface)));
      this.#shades.set(fill, shades);
    }
    return { fill, ink: inkOn(rgb), shades, ...words };
  }

  #category(data: Data): readonly string[] | null {
    const text = JSON.stringify(data);
    let category = this.#byText.get(text);
    if (category === undefined) {
      category = this.source.classify(data);
      if (this.#byText.size >= MOST_KNOWN) this.#byText.clear();
      this.#byText.set(text, category);
    }
    return category;
  }
}

function ownCategory(data: Data): readonly string[] | null {
  const category = data['$category'];
  return Array.isArray(category) ? category.map(String) : null;
}

export function wordsOf(kind: LaneKind, data: Data): { label: string; detail: string } {
  const text = (key: string) => (typeof data[key] === 'string' ? data[key] : '');
  switch (kind) {
    case 'web':
      return { label: hostOf(data['url']) ?? text('url'), detail: text('title') };
    case 'editor':
      return { label: lastPart(text('file')) || text('project'), detail: text('project') };
    case 'stopwatch':
      return { label: text('label') || firstText(data), detail: '' };
    case 'task':
      return { label: text('message') || firstText(data), detail: '' };
    default:
      return { label: text('app') || firstText(data), detail: text('title') };
  }
}

function firstText(data: Data): string {
  for (const [key, value] of Object.entries(data)) {
    if (typeof value === 'string' && !key.startsWith('$')) return value;
  }
  return '';
}

export function hostOf(url: unknown): string | null {
  if (typeof url !== 'string') return null;
  const host = /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(url)?.[1];
  return host === undefined || host === '' ? null : host.replace(/^www\./, '');
}

function lastPart(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}
