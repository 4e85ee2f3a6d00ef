import { describe, expect, it } from 'vitest';
import {
  addElement,
  changeView,
  DEFAULT_VIEWS,
  moveElement,
  newView,
  resizeElement,
  viewsOf,
  wantedBys,
} from './views';

const stored = [
  {
    id: 'summary',
    name: 'Summary',
    icon: 'kept',
    elements: [
      { type: 'top_apps', size: 3 },
      { type: 'custom_vis', size: 3, props: { title: 'Mine', visname: 'aw-watcher-x' } },
      { type: 'top_titles' },
    ],
  },
];

describe('views', () => {
  it('are those that are stored, or the default ones', () => {
    expect(viewsOf([])).toBe(DEFAULT_VIEWS);
    expect(viewsOf(stored)).toBe(stored);
  });

  it('keep cards and members that only the standard web UI knows', () => {
    const moved = changeView(stored, 'summary', (view) => resizeElement(moveElement(view, 2, 0), 1, 6))[0];
    expect(moved).toEqual({
      id: 'summary',
      name: 'Summary',
      icon: 'kept',
      elements: [
        { type: 'top_titles' },
        { type: 'top_apps', size: 6 },
        { type: 'custom_vis', size: 3, props: { title: 'Mine', visname: 'aw-watcher-x' } },
      ],
    });
  });

  it('move within their ends', () => {
    const view = stored[0]!;
    expect(moveElement(view, 0, 9).elements.map((e) => e.type)).toEqual(['custom_vis', 'top_titles', 'top_apps']);
    expect(moveElement(view, 0, -1).elements[0]?.type).toBe('top_apps');
    expect(moveElement(view, 7, 0)).toBe(view);
  });

  it('ask only for the sums that they show', () => {
    expect([...wantedBys(addElement(stored[0]!, 'top_domains'))]).toEqual(['category', 'app', 'title', 'domain']);
  });

  it('get ids that no other has', () => {
    expect(newView(stored, 'Summary').id).toBe('summary-2');
    expect(newView(stored, 'Späte Nacht!').id).toBe('spa-te-nacht');
    expect(newView(stored, '日本').id).toBe('view');
  });
});
