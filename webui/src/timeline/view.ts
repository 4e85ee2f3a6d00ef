/** A part of time: milliseconds since 1970, `end` not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const YEAR = 365.25 * DAY;

/** What can be seen at once, at least and at most. */
export const SHORTEST = SECOND;
export const LONGEST = 20 * YEAR;

/** RFC 3339 has four digits for a year, and nobody recorded anything before 1970. */
const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(2200, 0, 1);

export const length = (span: Span): number => span.end - span.start;
export const middle = (span: Span): number => (span.start + span.end) / 2;
export const overlap = (a: Span, b: Span): boolean => a.start < b.end && b.start < a.end;
export const contains = (outer: Span, inner: Span): boolean => outer.start <= inner.start && inner.end <= outer.end;

/** The same length of time or the nearest that is allowed, inside of what can be written as a date. */
export function clamp(view: Span): Span {
  if (!Number.isFinite(view.start) || !Number.isFinite(view.end)) return { start: 0, end: DAY };
  const wanted = Math.min(Math.max(length(view), SHORTEST), LONGEST);
  const start = Math.min(Math.max(middle(view) - wanted / 2, EARLIEST), LATEST - wanted);
  return { start, end: start + wanted };
}

/** Zooms by a factor (less than 1: closer). The time at `anchor` stays where it is on the screen. */
export function zoom(view: Span, factor: number, anchor: number): Span {
  const wanted = Math.min(Math.max(length(view) * factor, SHORTEST), LONGEST);
  const share = (anchor - view.start) / length(view);
  const start = anchor - share * wanted;
  return clamp({ start, end: start + wanted });
}

export function pan(view: Span, milliseconds: number): Span {
  return clamp({ start: view.start + milliseconds, end: view.end + milliseconds });
}

/** The view that shows the span with some air around it. */
export function fit(span: Span, air = 0.15): Span {
  const around = Math.max(length(span), SHORTEST / 2) * air;
  return clamp({ start: span.start - around, end: span.end + around });
}

/** Where times are on a row of pixels. */
export class Scale {
  readonly perPixel: number;

  constructor(
    readonly view: Span,
    readonly width: number,
  ) {
    this.perPixel = length(view) / Math.max(width, 1);
  }

  x(time: number): number {
    return (time - this.view.start) / this.perPixel;
  }

  time(x: number): number {
    return this.view.start + x * this.perPixel;
  }
}

/** A view of a span with half of its length before and after it. */
export function around(span: Span): Span {
  const half = length(span) * 0.5;
  return { start: span.start - half, end: span.end + half };
}

/** Pixels: the least room beside a panel, and what stays free around a span. */
const LEAST_ROOM = 200;
const MARGIN = 24;

/**
 * The view in which a span is in sight that a panel of so many pixels covers at the right edge; null where nothing has to move, or there is no room beside
 * the panel.
 */
export function uncovered(view: Span, span: Span, width: number, panel: number): Span | null {
  const scale = new Scale(view, width);
  const room = width - panel;
  const left = Math.max(scale.x(span.start), 0);
  const right = Math.min(scale.x(span.end), width);
  if (room < LEAST_ROOM || (left + right) / 2 < room) return null;
  const shift = Math.min(right - room + MARGIN, left - MARGIN);
  return shift > 0 ? pan(view, shift * scale.perPixel) : null;
}
