import { expect, it } from 'vitest';
import { differences } from './differences';

it('says what was added, removed and changed', () => {
  const regex = (text: string) => ({ type: 'regex', regex: text });
  const before = [
    { name: ['a'], rule: regex('1') },
    { name: ['b'], rule: regex('2') },
    { name: ['c'], rule: regex('3'), data: { color: '#fff' } },
  ];
  const after = [
    { id: 9, name: ['c'], rule: regex('3'), data: { color: '#000' } },
    { name: ['a'], rule: regex('1') },
    { name: ['d'], rule: regex('4') },
  ];
  expect(differences(before, after).map(({ path, what }) => [...path, what])).toEqual([
    ['c', 'changed'],
    ['d', 'added'],
    ['b', 'removed'],
  ]);
  expect(differences(before, before)).toEqual([]);
});
