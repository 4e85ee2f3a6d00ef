/**
 * Browsers cut an element at some ten million pixels; a million rows are more. Beyond this height the scroll bar is a scale: a jump of the bar
 * goes to its share of the rows, while the wheel, a finger and keys move by exact pixels.
 */
export const TALLEST = 8_000_000;

/** Where the rows are: `top` is the exact position in pixels of all rows, `bar` what the browser's scroll bar says. */
export class ScrollMap {
  top = 0;
  bar = 0;

  constructor(
    private full: number,
    private view: number,
    private readonly tallest = TALLEST,
  ) {}

  /** The height to give to the element that scrolls. */
  get height(): number {
    return Math.min(this.full, this.tallest);
  }

  get lastTop(): number {
    return Math.max(this.full - this.view, 0);
  }

  get lastBar(): number {
    return Math.max(this.height - this.view, 0);
  }

  resize(full: number, view: number): void {
    this.full = full;
    this.view = view;
    this.top = Math.min(this.top, this.lastTop);
  }

  /** The browser has scrolled to there. */
  scrolled(bar: number): void {
    const moved = bar - this.bar;
    this.bar = bar;
    if (this.full <= this.tallest) this.top = bar;
    else if (Math.abs(moved) <= 2 * this.view) this.top = clamp(this.top + moved, this.lastTop);
    else this.top = clamp((bar / this.lastBar) * this.lastTop, this.lastTop);
  }

  /** Goes to a position; the answer is what the scroll bar must say then. */
  goTo(top: number): number {
    this.top = clamp(top, this.lastTop);
    return this.settled();
  }

  /** Exact moves let the bar drift away from its share. At rest it is set right, which moves nothing that one sees. */
  settled(): number {
    if (this.full <= this.tallest) this.bar = this.top;
    else if (this.top > 0 && this.top < this.lastTop) {
      // Not quite at an end, where the browser could not scroll on.
      this.bar = Math.min(Math.max(Math.round((this.top / this.lastTop) * this.lastBar), 1), this.lastBar - 1);
    } else this.bar = this.top === 0 ? 0 : this.lastBar;
    return this.bar;
  }
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}
