/** The keys of a command: `g t` is two strokes, `Control+k` one of two keys, and a plus can itself be a key. */
export function strokesOf(keys: string): string[][] {
  return keys.split(' ').map((stroke) => stroke.match(/[^+]+|\+$/g) ?? []);
}
