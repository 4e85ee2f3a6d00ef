const MOST_KNOWN = 5000;

/** Texts with their widths, so that no frame measures the same text twice. One for each font. */
export class TextWidths {
  #widths = new Map<string, number>();

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly font: string,
  ) {}

  of(text: string): number {
    let width = this.#widths.get(text);
    if (width === undefined) {
      if (this.#widths.size >= MOST_KNOWN) this.#widths.clear();
      this.context.font = this.font;
      width = this.context.measureText(text).width;
      this.#widths.set(text, width);
    }
    return width;
  }

  /** As much of the text as there is room for. It goes by the mean width of its characters, which is near enough and needs no measuring. */
  fit(text: string, room: number): string {
    const clean = text.length > 400 ? text.slice(0, 400) : text;
    const width = this.of(clean);
    if (width <= room) return clean;
    const characters = [...clean];
    const count = Math.floor(((room - 9) / width) * characters.length * 0.97);
    return count < 2 ? '' : `${characters.slice(0, count).join('').trimEnd()}…`;
  }
}
