export interface ArcNode {
  readonly total: number;
  readonly children: readonly ArcNode[];
}

export interface Arc<N> {
  readonly node: N;
  readonly depth: number;
  /** Turns from the top, clockwise: 0 to 1. */
  readonly from: number;
  readonly to: number;
}

/** The arcs of a sunburst: each node has its share of the circle, and its children lie outside of it. Slivers are left out. */
export function arcsOf<N extends ArcNode & { readonly children: readonly N[] }>(
  roots: readonly N[],
  whole: number,
  depths = 3,
  sliver = 0.002,
): Arc<N>[] {
  const arcs: Arc<N>[] = [];
  const place = (nodes: readonly N[], start: number, depth: number) => {
    let from = start;
    for (const node of nodes) {
      const to = from + (whole > 0 ? node.total / whole : 0);
      if (to - from >= sliver) {
        arcs.push({ node, depth, from, to });
        if (depth + 1 < depths) place(node.children, from, depth + 1);
      }
      from = to;
    }
  };
  place(roots, 0, 0);
  return arcs;
}

/** The outline of an arc as the path of an SVG, around the origin. `gap` is the distance to the neighbours. */
export function arcPath(from: number, to: number, inner: number, outer: number, gap = 0): string {
  const turn = Math.min(to - from, 0.99999);
  const half = (radius: number) => Math.min(gap / (4 * Math.PI * radius), turn / 3);
  const at = (radius: number, turns: number) => {
    const angle = turns * 2 * Math.PI - Math.PI / 2;
    return `${(radius * Math.cos(angle)).toFixed(3)} ${(radius * Math.sin(angle)).toFixed(3)}`;
  };
  const large = turn > 0.5 ? 1 : 0;
  const [a, b] = [from + half(outer), from + turn - half(outer)];
  const [c, d] = [from + turn - half(inner), from + half(inner)];
  return `M${at(outer, a)}A${outer} ${outer} 0 ${large} 1 ${at(outer, b)}L${at(inner, c)}A${inner} ${inner} 0 ${large} 0 ${at(inner, d)}Z`;
}
