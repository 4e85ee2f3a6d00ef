import type { By } from '../../../usage';

/** A name as short as it may be in a list; the whole of it is on hover. */
export function shortName(text: string, by: By): string {
  if (by === 'file' || by === 'project') return lastPart(text);
  if (by === 'url') return text.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '');
  return text;
}

function lastPart(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== '');
  return parts.at(-1) ?? path;
}
