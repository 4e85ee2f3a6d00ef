/** Rectangles by colour: a canvas is quick as long as its colour does not change. */
export class Batches {
  #plain = new Map<string, number[]>();
  #round = new Map<string, number[]>();

  clear(): void {
    for (const list of this.#plain.values()) list.length = 0;
    for (const list of this.#round.values()) list.length = 0;
    // Colours of what is no longer shown: forgotten when there are many.
    if (this.#plain.size > 500) this.#plain.clear();
    if (this.#round.size > 500) this.#round.clear();
  }

  add(color: string, x: number, y: number, width: number, height: number): void {
    push(this.#plain, color, x, y, width, height);
  }

  addRound(color: string, x: number, y: number, width: number, height: number): void {
    push(this.#round, color, x, y, width, height);
  }

  paint(context: CanvasRenderingContext2D, radius: number): void {
    for (const [color, list] of this.#plain) {
      if (list.length === 0) continue;
      context.fillStyle = color;
      for (let i = 0; i < list.length; i += 4) {
        context.fillRect(list[i] ?? 0, list[i + 1] ?? 0, list[i + 2] ?? 0, list[i + 3] ?? 0);
      }
    }
    for (const [color, list] of this.#round) {
      if (list.length === 0) continue;
      context.fillStyle = color;
      context.beginPath();
      for (let i = 0; i < list.length; i += 4) {
        context.roundRect(list[i] ?? 0, list[i + 1] ?? 0, list[i + 2] ?? 0, list[i + 3] ?? 0, radius);
      }
      context.fill();
    }
  }
}

function push(map: Map<string, number[]>, color: string, x: number, y: number, width: number, height: number): void {
  const list = map.get(color);
  if (list === undefined) map.set(color, [x, y, width, height]);
  else list.push(x, y, width, height);
}
