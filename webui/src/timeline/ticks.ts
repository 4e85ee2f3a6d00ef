import { axisOf, type Axis } from './axis';
import type { TimelineInput } from './contract';
import { contains, length, type Span } from './view';

/** The axis of the view. The ticks of a wider one are kept, so that most frames of a drag need no calendar. */
export class Ticks {
  #kept: { axis: Axis; span: Span; perPixel: number; input: TimelineInput } | null = null;

  of(view: Span, perPixel: number, input: TimelineInput): Axis {
    const kept = this.#kept;
    if (kept !== null && kept.input === input && kept.perPixel === perPixel && contains(kept.span, view)) {
      return kept.axis;
    }
    const span = { start: view.start - length(view) / 2, end: view.end + length(view) / 2 };
    const axis = axisOf(span, perPixel, input.calendar, input.locale);
    this.#kept = { axis, span, perPixel, input };
    return axis;
  }
}
