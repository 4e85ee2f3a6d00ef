import { describe, expect, it } from 'vitest';
import { marked, termsOf } from './terms';

const show = (text: string, search: string, field = 'title') =>
  marked(text, termsOf(search), field)
    .map(({ text, hit }) => (hit ? `[${text}]` : text))
    .join('');

describe('what is marked', () => {
  it('is each word, without case and accents', () => {
    expect(show('Crème brûlée', 'creme BRU')).toBe('[Crème] [brû]lée');
    expect(show('Straße', 'strasse')).toBe('[Straße]');
    expect(show('aaa', 'a')).toBe('[a][a][a]');
  });

  it('is a phrase, an expression, or a value of a field', () => {
    expect(show('the release notes', '"release notes"')).toBe('the [release notes]');
    expect(show('version v12', '/v\\d+/')).toBe('version [v12]');
    expect(show('Firefox', 'app:fire')).toBe('Firefox');
    expect(show('Firefox', 'app:fire', 'app')).toBe('[Fire]fox');
  });

  it('is nothing of what is left out, and nothing of what cannot be read', () => {
    expect(show('a b', '-a b')).toBe('a [b]');
    expect(show('a b', '/(a/')).toBe('a b');
    expect(show('', 'a')).toBe('');
  });

  it('keeps the text whole, whatever overlaps', () => {
    for (const search of ['ab bc', 'abc b', 'abcd abcd', '/./ b']) {
      expect(
        marked('xabcdx', termsOf(search), 'title')
          .map((p) => p.text)
          .join(''),
      ).toBe('xabcdx');
    }
  });
});
