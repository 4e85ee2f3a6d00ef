/** What fingers, wheels and mice mean, in pixels of the canvas. */
export interface GestureEvents {
  /** The view follows the pointer by so many pixels. */
  pan(pixels: number, vertical: number): void;
  /** Zooms around a place; `smooth` for steps of a wheel, which are coarse. */
  zoom(factor: number, x: number, smooth: boolean): void;
  /** The view was let go with a speed in pixels a millisecond. */
  released(speed: number): void;
  /** A range from one place to another; `done` when the pointer is up. */
  range(from: number, to: number, done: boolean): void;
  hover(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number): void;
  double(x: number, y: number): void;
  grab(): void;
}

export interface GestureOptions {
  /** Whether a drag that begins here marks a range instead of moving the view. */
  marks(x: number, y: number): boolean;
}

const CLICK = 4;
const LINE = 18;

interface Pointer {
  x: number;
  y: number;
}

export class Gestures {
  #pointers = new Map<number, Pointer>();
  #drag: { startX: number; startY: number; moved: boolean; marking: boolean; touch: boolean } | null = null;
  #trail: { x: number; at: number }[] = [];
  #controller = new AbortController();

  constructor(
    private readonly element: HTMLElement,
    private readonly events: GestureEvents,
    private readonly options: GestureOptions,
  ) {
    const listen = { signal: this.#controller.signal };
    element.addEventListener('wheel', this.#wheel, { ...listen, passive: false });
    element.addEventListener('pointerdown', this.#down, listen);
    element.addEventListener('pointermove', this.#move, listen);
    element.addEventListener('pointerup', this.#up, listen);
    element.addEventListener('pointercancel', this.#cancel, listen);
    element.addEventListener('pointerleave', () => this.events.leave(), listen);
    element.addEventListener('dblclick', (event) => this.events.double(...this.#place(event)), listen);
  }

  close(): void {
    this.#controller.abort();
  }

  #place(event: MouseEvent): [number, number] {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #wheel = (event: WheelEvent): void => {
    const unit = event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? 400 : 1;
    const dx = event.deltaX * unit;
    const dy = event.deltaY * unit;
    if (event.altKey) return; // scrolls the lanes
    event.preventDefault();
    const [x] = this.#place(event);
    if (event.shiftKey) this.events.pan(-(dx || dy), 0);
    else if (Math.abs(dx) > Math.abs(dy) && !event.ctrlKey) this.events.pan(-dx, 0);
    else {
      // The pinch of a touchpad arrives as a wheel with Control and small steps.
      const factor = Math.exp(Math.max(Math.min(dy, 240), -240) * (event.ctrlKey ? 0.01 : 0.0022));
      this.events.zoom(factor, x, Math.abs(dy) >= 50);
    }
  };

  #down = (event: PointerEvent): void => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    const [x, y] = this.#place(event);
    this.#pointers.set(event.pointerId, { x, y });
    this.element.setPointerCapture(event.pointerId);
    this.events.grab();
    const marking = this.#pointers.size === 1 && (event.shiftKey || this.options.marks(x, y));
    this.#drag = { startX: x, startY: y, moved: false, marking, touch: event.pointerType === 'touch' };
    this.#trail = [{ x, at: event.timeStamp }];
  };

  #move = (event: PointerEvent): void => {
    const [x, y] = this.#place(event);
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined || this.#drag === null) {
      if (event.pointerType !== 'touch') this.events.hover(x, y);
      return;
    }
    if (this.#pointers.size === 2) this.#pinch(event.pointerId, x, y);
    else this.#dragTo(before, x, y, event);
    this.#pointers.set(event.pointerId, { x, y });
  };

  #dragTo(before: Pointer, x: number, y: number, event: PointerEvent): void {
    const drag = this.#drag;
    if (drag === null) return;
    if (!drag.moved && Math.hypot(x - drag.startX, y - drag.startY) < CLICK) return;
    drag.moved = true;
    if (drag.marking) {
      this.events.range(drag.startX, x, false);
      return;
    }
    this.events.pan(x - before.x, drag.touch ? 0 : y - before.y);
    this.#trail.push({ x, at: event.timeStamp });
    if (this.#trail.length > 6) this.#trail.shift();
  }

  #pinch(id: number, x: number, y: number): void {
    const other = [...this.#pointers].find(([key]) => key !== id)?.[1];
    const before = this.#pointers.get(id);
    if (other === undefined || before === undefined || this.#drag === null) return;
    this.#drag.moved = true;
    const was = Math.max(Math.hypot(before.x - other.x, before.y - other.y), 10);
    const is = Math.max(Math.hypot(x - other.x, y - other.y), 10);
    this.events.pan((x - before.x) / 2, 0);
    this.events.zoom(was / is, (x + other.x) / 2, false);
  }

  #up = (event: PointerEvent): void => {
    const drag = this.#drag;
    const [x, y] = this.#place(event);
    this.#pointers.delete(event.pointerId);
    if (drag === null) return;
    if (this.#pointers.size > 0) {
      this.#trail = [];
      return;
    }
    this.#drag = null;
    if (!drag.moved) this.events.click(x, y);
    else if (drag.marking) this.events.range(drag.startX, x, true);
    else this.events.released(this.#speed(event.timeStamp));
  };

  #cancel = (event: PointerEvent): void => {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 0) this.#drag = null;
  };

  /** Pixels a millisecond over the last moments. A pointer that rested before it was lifted throws nothing. */
  #speed(now: number): number {
    const recent = this.#trail.filter((point) => now - point.at < 90);
    const first = recent[0];
    const last = recent.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 8) return 0;
    return (last.x - first.x) / (last.at - first.at);
  }
}
