/** Default colours of categories, in an order in which neighbours differ in lightness too. The tokens `--category-N` are the same. */
export const PALETTE = [
  '#2f78c4',
  '#d9822b',
  '#1f9d83',
  '#c0568f',
  '#7a9a2e',
  '#7659c2',
  '#c9a227',
  '#56a8d8',
  '#a85c32',
  '#4a6fa5',
] as const;
export const NO_CATEGORY = 'var(--category-none)';

interface Coloured {
  readonly name: readonly string[];
  readonly data?: { readonly color?: string };
}

/**
 * A colour for each category path, the same everywhere: its own, or that of its nearest parent, or one of the palette by its root's name. Roots of the
 * list whose names fall on the same colour get different ones, as long as there are enough.
 */
export function categoryColors(categories: readonly Coloured[]): (path: readonly string[]) => string {
  const own = new Map<string, string>();
  for (const { name, data } of categories) if (isColor(data?.color)) own.set(JSON.stringify(name), data.color);
  const roots = rootColors(categories, own);
  return (path) => {
    for (let depth = path.length; depth > 0; depth -= 1) {
      const color = own.get(JSON.stringify(path.slice(0, depth)));
      if (color !== undefined) return color;
    }
    const root = path[0];
    return root === undefined || root === 'Uncategorized' ? NO_CATEGORY : (roots.get(root) ?? byName(root));
  };
}

/** Colours of the palette that are nearer to each other are hard to tell apart. */
const NEAR = 90;

function rootColors(categories: readonly Coloured[], own: ReadonlyMap<string, string>): Map<string, string> {
  const roots = new Map<string, string>();
  const taken = new Set(own.values());
  for (const { name } of categories) {
    const root = name[0];
    if (root === undefined || root === 'Uncategorized' || roots.has(root) || own.has(JSON.stringify([root]))) continue;
    const wish = byName(root);
    const free = PALETTE.filter((c) => !taken.has(c)).sort((a, b) => nearest(b, taken) - nearest(a, taken));
    const color = nearest(wish, taken) > NEAR ? wish : (free[0] ?? wish);
    roots.set(root, color);
    taken.add(color);
  }
  return roots;
}

/** The distance of the nearest of those colours, of which the ones in hexadecimal count. */
function nearest(color: string, taken: ReadonlySet<string>): number {
  return Math.min(...[...taken].map((other) => distance(color, other)));
}

function distance(a: string, b: string): number {
  if (!/^#[\da-f]{6}$/i.test(a) || !/^#[\da-f]{6}$/i.test(b)) return Infinity;
  const part = (color: string, i: number) => Number.parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16);
  return Math.hypot(...[0, 1, 2].map((i) => part(a, i) - part(b, i)));
}

/** A colour that depends on nothing but the name, for apps, buckets and devices. */
export function byName(name: string): string {
  let hash = 2_166_136_261;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return PALETTE[(hash >>> 0) % PALETTE.length] ?? PALETTE[0];
}

function isColor(color: unknown): color is string {
  return (
    typeof color === 'string' &&
    /^(#([\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})|[a-z]{3,30}|(rgb|hsl|oklch)a?\([\d\s.,%/deg-]+\))$/i.test(color)
  );
}
