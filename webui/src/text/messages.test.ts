import { describe, expect, it } from 'vitest';
import de from './de';
import en from './en';
import { fill, type Message } from './message';

type Rooms = Record<string, Record<string, Message>>;

const names = (message: Message | undefined): string[] => {
  const texts = message === undefined ? [] : typeof message === 'string' ? [message] : Object.values(message);
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '')))].sort();
};

describe('the messages', () => {
  it('have the same keys in both languages', () => {
    const keys = (rooms: Rooms) =>
      Object.entries(rooms).flatMap(([room, messages]) => Object.keys(messages).map((key) => `${room}.${key}`));
    expect(keys(de as Rooms).sort()).toEqual(keys(en as Rooms).sort());
  });

  it('have the same parameters in both languages', () => {
    for (const [room, messages] of Object.entries(en as Rooms)) {
      for (const [key, message] of Object.entries(messages)) {
        expect(names((de as Rooms)[room]?.[key]), `${room}.${key}`).toEqual(names(message));
      }
    }
  });

  it('are not empty', () => {
    for (const messages of [...Object.values(en as Rooms), ...Object.values(de as Rooms)]) {
      for (const [key, message] of Object.entries(messages))
        expect(JSON.stringify(message).length, key).toBeGreaterThan(2);
    }
  });
});

it('has a form for each plural, and numbers in the language', () => {
  const events = { one: '{count} event in {bucket}', other: '{count} events in {bucket}' };
  expect(fill(events, { count: 1, bucket: 'a' }, 'en')).toBe('1 event in a');
  expect(fill(events, { count: 1234, bucket: 'a' }, 'de')).toBe('1.234 events in a');
  expect(fill('{missing}', {}, 'en')).toBe('{missing}');
});
