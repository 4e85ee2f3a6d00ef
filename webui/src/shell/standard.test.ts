import { expect, it } from 'vitest';
import { standardAddress } from './standard';

it('leads bookmarks of the standard web UI to our pages', () => {
  expect(standardAddress('#/home')).toBe('#/activity');
  expect(standardAddress('#/activity/my%20laptop/week/2026-05-04/subview/view/summary')).toBe(
    '#/activity?device=my+laptop&range=week&date=2026-05-04',
  );
  expect(standardAddress('#/activity/laptop/view/')).toBe('#/activity?device=laptop&range=day');
  expect(standardAddress('#/buckets/aw-watcher-afk_x')).toBe('#/data/aw-watcher-afk_x');
  expect(standardAddress('#/settings/general')).toBe('#/settings');
});

it('leaves our own addresses alone', () => {
  for (const hash of ['', '#/', '#/activity?range=week', '#/timeline', '#/settings', '#/data/x', '#/nowhere']) {
    expect(standardAddress(hash)).toBeNull();
  }
});
