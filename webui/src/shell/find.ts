/** How well a text fits what somebody typed; null if it does not. Starts of words count more than letters within them. */
export function score(text: string, typed: string): number | null {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const hay = text.toLocaleLowerCase();
  let total = 0;
  for (const word of words) {
    const at = hay.indexOf(word);
    if (at < 0) return null;
    total += at === 0 ? 3 : /\s/.test(hay[at - 1] ?? '') ? 2 : 1;
  }
  return total - text.length / 1000;
}

export function best<T>(items: readonly T[], textOf: (item: T) => string, typed: string): T[] {
  if (typed.trim() === '') return [...items];
  return items
    .map((item) => ({ item, score: score(textOf(item), typed) }))
    .filter((found): found is { item: T; score: number } => found.score !== null)
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item);
}
