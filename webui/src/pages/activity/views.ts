import type { View } from '../../settings';
import type { By } from '../../usage';

export type CardKind =
  'bars' | 'sunburst' | 'tree' | 'categories' | 'top' | 'score' | 'clock' | 'timeline' | 'stopwatches' | 'bucket';

export interface CardType {
  readonly kind: CardKind;
  /** The sum of the page that it shows; some load what they need themselves. */
  readonly by?: By;
}

/** The visualizations of the standard web UI that this page has. Others stay in the setting, untouched. */
export const CARD_TYPES: Readonly<Record<string, CardType>> = {
  timeline_barchart: { kind: 'bars', by: 'category' },
  category_sunburst: { kind: 'sunburst', by: 'category' },
  category_tree: { kind: 'tree', by: 'category' },
  top_categories: { kind: 'categories', by: 'category' },
  top_apps: { kind: 'top', by: 'app' },
  top_titles: { kind: 'top', by: 'title' },
  top_domains: { kind: 'top', by: 'domain' },
  top_urls: { kind: 'top', by: 'url' },
  top_browser_titles: { kind: 'top', by: 'browserTitle' },
  top_editor_projects: { kind: 'top', by: 'project' },
  top_editor_files: { kind: 'top', by: 'file' },
  top_editor_languages: { kind: 'top', by: 'language' },
  score: { kind: 'score', by: 'category' },
  sunburst_clock: { kind: 'clock', by: 'category' },
  vis_timeline: { kind: 'timeline' },
  top_stopwatches: { kind: 'stopwatches' },
  top_bucket_data: { kind: 'bucket' },
};

export type Element = View['elements'][number];

/** Sizes are those of the standard web UI: 3 is a third of the width. */
export const SIZES = [3, 6, 9] as const;

export function sizeOf(element: Element): 3 | 6 | 9 {
  return SIZES.find((size) => size === element.size) ?? 3;
}

const third = (type: string): Element => ({ type, size: 3 });

/** Until somebody stores views. The ids are those of the standard web UI's own views. */
export const DEFAULT_VIEWS: readonly View[] = [
  {
    id: 'summary',
    name: 'Summary',
    elements: [
      { type: 'timeline_barchart', size: 6 },
      ...['category_sunburst', 'category_tree', 'top_apps', 'top_titles', 'top_domains', 'top_urls'].map(third),
      third('top_editor_projects'),
    ],
  },
  {
    id: 'window',
    name: 'Window',
    elements: [
      { type: 'top_apps', size: 3 },
      { type: 'top_titles', size: 6 },
    ],
  },
  { id: 'browser', name: 'Browser', elements: ['top_domains', 'top_urls', 'top_browser_titles'].map(third) },
  {
    id: 'editor',
    name: 'Editor',
    elements: ['top_editor_files', 'top_editor_projects', 'top_editor_languages'].map(third),
  },
];

export function viewsOf(stored: readonly View[]): readonly View[] {
  return stored.length > 0 ? stored : DEFAULT_VIEWS;
}

export function wantedBys(view: View): ReadonlySet<By> {
  const bys = view.elements.map(({ type }) => CARD_TYPES[type]?.by).filter((by) => by !== undefined);
  return new Set<By>(['category', ...bys]);
}

/** Changes of a list of views. Members that this page does not know are kept. */
export function changeView(views: readonly View[], id: string, change: (view: View) => View): View[] {
  return views.map((view) => (view.id === id ? change(view) : view));
}

export function moveElement(view: View, from: number, to: number): View {
  const elements = [...view.elements];
  const [moved] = elements.splice(from, 1);
  if (moved === undefined) return view;
  elements.splice(Math.min(Math.max(to, 0), elements.length), 0, moved);
  return { ...view, elements };
}

export function resizeElement(view: View, at: number, size: number): View {
  return { ...view, elements: view.elements.map((element, i) => (i === at ? { ...element, size } : element)) };
}

export function setProps(view: View, at: number, props: Record<string, unknown>): View {
  const kept = view.elements[at]?.props;
  return {
    ...view,
    elements: view.elements.map((element, i) => (i === at ? { ...element, props: { ...kept, ...props } } : element)),
  };
}

export function removeElement(view: View, at: number): View {
  return { ...view, elements: view.elements.filter((_, i) => i !== at) };
}

const WIDE: ReadonlySet<string> = new Set(['timeline_barchart', 'vis_timeline']);

export function addElement(view: View, type: string): View {
  return { ...view, elements: [...view.elements, { type, size: WIDE.has(type) ? 6 : 3 }] };
}

/** An id made of the name, as the standard web UI makes it, that no other view has. */
export function newView(views: readonly View[], name: string): View {
  const base =
    name
      .toLowerCase()
      .normalize('NFKD')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'view';
  let id = base;
  for (let n = 2; views.some((view) => view.id === id); n += 1) id = `${base}-${n}`;
  return { id, name, elements: [] };
}
