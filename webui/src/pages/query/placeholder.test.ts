import { expect, it } from 'vitest';
import { categoryList, errorPlace, toSend } from './placeholder';

it('puts the categories with a rule into the program', () => {
  const list = categoryList([
    { name: ['Work'], rule: { type: 'regex', regex: '\\.pdf' } },
    { name: ['Media'], rule: { type: 'none' } },
    { name: ['Old'], rule: { type: null } },
  ]);
  expect(list).toBe('[[["Work"],{"type":"regex","regex":"\\\\.pdf"}]]');
  expect(toSend('categorize(e, __CATEGORIES__);', () => '$&').program).toBe('categorize(e, $&);');
});

it('finds the place of an error in what was typed', () => {
  const text = 'a = 1;\nb = c(__CATEGORIES__, x);\nRETURN = "ü𝄞" + y;';
  const { program, placeOf } = toSend(text, () => '[[["Work"], {}]]');
  const shown = (line: number, column: number) => text.slice(placeOf(line, column));
  expect(shown(1, 1)).toBe(text);
  expect(shown(2, 5).startsWith('c(')).toBe(true);
  expect(shown(2, 9).startsWith('__CATEGORIES__')).toBe(true);
  expect(shown(2, program.split('\n')[1]!.indexOf('x)') + 1).startsWith('x);')).toBe(true);
  expect(shown(3, 17).startsWith('y;')).toBe(true);
  expect(placeOf(99, 1)).toBe(text.length);
});

it('reads where an error is', () => {
  expect(errorPlace('line 2, column 10: there is: no\nsuch thing')).toEqual({
    line: 2,
    column: 10,
    text: 'there is: no\nsuch thing',
  });
  expect(errorPlace('The disk is full.')).toBeNull();
});
