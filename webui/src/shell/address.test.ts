import { describe, expect, it } from 'vitest';
import { match, parseHash, writeHash } from './address';

describe('an address', () => {
  it('is a path and a query, and is written as it was read', () => {
    const hash = '#/activity?range=week&device=a&device=b+c%26d';
    const { path, query } = parseHash(hash);
    expect(path).toBe('/activity');
    expect(query['device']).toEqual(['a', 'b c&d']);
    expect(writeHash(path, query)).toBe(hash);
  });

  it('can be anything that somebody typed', () => {
    expect(parseHash('').path).toBe('/');
    expect(parseHash('#').path).toBe('/');
    expect(parseHash('#timeline/').path).toBe('/timeline');
    expect(parseHash('#/x?__proto__=1').query['toString']).toBeUndefined();
  });
});

describe('the page of an address', () => {
  const pages = [{ path: '/data' }, { path: '/data/:bucket' }];

  it('is found by its pattern, with decoded parameters', () => {
    expect(match(pages, '/data')?.page.path).toBe('/data');
    expect(match(pages, '/data/my%20bucket%2F1')?.params).toEqual({ bucket: 'my bucket/1' });
    expect(match(pages, '/data/%E0%A4%A')?.params).toEqual({ bucket: '%E0%A4%A' });
    expect(match(pages, '/data/a/b')).toBeNull();
  });
});
