import { expect, it } from 'vitest';
import { ruleOf, valueOf } from './rule';

it('loses nothing of a rule, and takes nothing else for one', () => {
  const stored = {
    enabled: false,
    bucket_prefix: 'aw-',
    field: 'title',
    pattern: 'x',
    action: 'redact',
    replacement: '$1',
    note: 'mine',
  };
  const rule = ruleOf(stored);
  expect(rule).not.toBeNull();
  if (rule !== null) expect(valueOf(rule)).toEqual(stored);
  for (const other of [null, 3, [], {}, { ...stored, action: 'shred' }, { ...stored, pattern: 1 }])
    expect(ruleOf(other)).toBeNull();
  const plain = { enabled: true, field: 'title', pattern: 'x', action: 'drop' };
  const again = ruleOf(plain);
  if (again !== null) expect(valueOf(again)).toEqual(plain);
});
