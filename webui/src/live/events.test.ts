import { expect, it } from 'vitest';
import { EventReader } from './events';

const stream =
  'retry: 2000\n\nevent: start\nid: 0\ndata: {"seq":0}\n\n: 15 seconds\nid: 7\n\nevent: head\r\nid: 8\r\ndata: a\r\ndata: b\r\n\r\n';

it('reads the same events however the text is cut', () => {
  const wanted = [
    { name: 'start', id: '0', data: '{"seq":0}' },
    { name: 'message', id: '7', data: '' },
    { name: 'head', id: '8', data: 'a\nb' },
  ];
  for (let size = 1; size <= stream.length; size += 1) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < stream.length; at += size) events.push(...reader.push(stream.slice(at, at + size)));
    expect(events).toEqual(wanted);
  }
});
