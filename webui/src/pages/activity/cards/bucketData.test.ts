import { expect, it } from 'vitest';
import { choiceOf, programOf, propsOf, valuesOf } from './bucketData';

it('reads and writes what the standard web UI stores of a card about a bucket', () => {
  expect(choiceOf(undefined)).toEqual({ bucket: '', field: '' });
  expect(choiceOf({ bucketId: 'b', field: 'app', customField: '' })).toEqual({ bucket: 'b', field: 'app' });
  expect(choiceOf({ bucketId: 'b', field: '', customField: 'mine' })).toEqual({ bucket: 'b', field: 'mine' });
  expect(choiceOf({ bucketId: 7, field: null })).toEqual({ bucket: '', field: '' });
  const choice = { bucket: 'b', field: 'app' };
  expect(choiceOf(propsOf(choice))).toEqual(choice);
});

it('keeps names of buckets and fields texts', () => {
  expect(programOf({ bucket: 'a"b\\', field: '"]); RETURN = 1;' })).toContain(
    'query_bucket("a\\"b\\\\");\nevents = merge_events_by_keys(events, ["\\"]); RETURN = 1;"]);',
  );
});

it('shows any value as text', () => {
  const result = ['x', 7, true, null, ['a'], undefined].map((value, duration) => ({ duration, data: { k: value } }));
  expect(valuesOf(result, 'k').map(({ text }) => text)).toEqual(['x', '7', 'true', 'null', '["a"]', '']);
  expect(valuesOf('wrong', 'k')).toEqual([]);
});
