import { expect, it } from 'vitest';
import { landingPath, landingSetting } from './landing';

it('finds our page for what the standard web UI stores', () => {
  expect(landingPath('/home')).toBe('/activity');
  expect(landingPath('/activity/laptop/view/')).toBe('/activity');
  expect(landingPath('/buckets')).toBe('/data');
  expect(landingPath('/timeline')).toBe('/timeline');
  for (const odd of [null, '', '/', '//evil.example', '/nowhere', 'javascript:alert(1)'])
    expect(landingPath(odd)).toBe('/activity');
});

it('stores what the standard web UI reads, and finds it again', () => {
  expect(landingSetting('/activity', '/timeline')).toBe('/home');
  expect(landingSetting('/activity', '/activity/laptop/view/')).toBe('/activity/laptop/view/');
  for (const path of ['/activity', '/timeline', '/data', '/search'])
    expect(landingPath(landingSetting(path, '/home'))).toBe(path);
});
