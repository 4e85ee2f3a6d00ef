import { clamp, length, pan, type Span } from './view';

const TWEEN = 180;
/** How long it takes until a thrown view has lost two thirds of its speed. */
const FRICTION = 300;
const SLOWEST = 0.02;

/** Moves a view over time. Who wants less motion gets the end at once. */
export class Motion {
  #tween: { from: Span; to: Span; began: number } | null = null;
  #throw: { speed: number; at: number } | null = null;

  constructor(private readonly calm: () => boolean) {}

  get running(): boolean {
    return this.#tween !== null || this.#throw !== null;
  }

  /** Where the view is going, so that quick steps add up. */
  goal(view: Span): Span {
    return this.#tween?.to ?? view;
  }

  glide(from: Span, to: Span, now: number): Span {
    this.stop();
    if (this.calm()) return clamp(to);
    this.#tween = { from, to: clamp(to), began: now };
    return from;
  }

  /** Lets go of a dragged view with a speed in pixels a millisecond. */
  throw(speed: number, now: number): void {
    this.stop();
    if (!this.calm() && Math.abs(speed) > SLOWEST * 4) this.#throw = { speed, at: now };
  }

  stop(): void {
    this.#tween = null;
    this.#throw = null;
  }

  step(view: Span, now: number, width: number): Span {
    if (this.#tween !== null) return this.#stepTween(this.#tween, now);
    if (this.#throw !== null) return this.#stepThrow(this.#throw, view, now, width);
    return view;
  }

  #stepTween({ from, to, began }: { from: Span; to: Span; began: number }, now: number): Span {
    const part = Math.min((now - began) / TWEEN, 1);
    if (part >= 1) {
      this.#tween = null;
      return to;
    }
    return between(from, to, 1 - (1 - part) ** 3);
  }

  #stepThrow(thrown: { speed: number; at: number }, view: Span, now: number, width: number): Span {
    const passed = Math.min(now - thrown.at, 50);
    thrown.at = now;
    const moved = pan(view, -thrown.speed * passed * (length(view) / Math.max(width, 1)));
    thrown.speed *= Math.exp(-passed / FRICTION);
    if (Math.abs(thrown.speed) < SLOWEST) this.#throw = null;
    return moved;
  }
}

/** Between two views: the length grows evenly by factors, and the point that both have at the same place of the screen stays there. */
export function between(from: Span, to: Span, part: number): Span {
  const [a, b] = [length(from), length(to)];
  if (Math.abs(a - b) < 1e-6 * a) {
    const start = from.start + (to.start - from.start) * part;
    return { start, end: start + a };
  }
  const size = a * (b / a) ** part;
  const place = (to.start - from.start) / (a - b);
  const start = from.start + place * (a - size);
  return { start, end: start + size };
}
