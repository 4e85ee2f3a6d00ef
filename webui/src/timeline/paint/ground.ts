import type { Scene } from './scene';
import type { TextWidths } from './text';

const STRETCH_Y = 13;
const TICK_Y = 33;

/** What lies below the lanes: days of the weekend, lines at ticks, lines between lanes. */
export function paintGround(context: CanvasRenderingContext2D, scene: Scene): void {
  const { scale, width, height, paints, axisHeight, axis } = scene;
  context.fillStyle = paints.surface;
  context.fillRect(0, 0, width, height);
  context.fillStyle = paints.sunken;
  for (const weekend of axis.weekends) {
    const left = Math.max(scale.x(weekend.start), 0);
    const right = Math.min(scale.x(weekend.end), width);
    if (right > left) context.fillRect(Math.round(left), axisHeight, Math.round(right) - Math.round(left), height);
  }
  context.fillStyle = paints.line;
  context.globalAlpha = 0.6;
  for (const tick of axis.ticks) context.fillRect(Math.round(scale.x(tick.time)), axisHeight, 1, height);
  context.globalAlpha = 1;
  for (const stretch of axis.stretches) context.fillRect(Math.round(scale.x(stretch.start)), 0, 1, height);
  for (const row of scene.layout.rows) {
    const y = Math.round(axisHeight + row.y + row.height - scene.scrollTop) - 1;
    if (row.kind === 'device') {
      context.fillStyle = paints.back;
      context.fillRect(0, y - row.height + 1, width, row.height);
    }
    context.fillStyle = paints.line;
    context.fillRect(0, y, width, 1);
  }
}

/** The axis lies above the lanes, which scroll below it. */
export function paintAxis(
  context: CanvasRenderingContext2D,
  scene: Scene,
  bold: TextWidths,
  fonts: { bold: string; plain: string },
): void {
  const { scale, width, paints, axisHeight, axis } = scene;
  context.fillStyle = paints.surface;
  context.fillRect(0, 0, width, axisHeight);
  context.fillStyle = paints.line;
  context.fillRect(0, axisHeight - 1, width, 1);
  for (const stretch of axis.stretches) context.fillRect(Math.round(scale.x(stretch.start)), 0, 1, axisHeight);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.font = fonts.bold;
  context.fillStyle = paints.text;
  for (const stretch of axis.stretches) {
    // The name of a day stays in sight as long as some of the day does.
    const from = Math.max(scale.x(stretch.start), 0) + 8;
    const text = bold.fit(stretch.label, Math.min(scale.x(stretch.end), width) - from - 8);
    if (text !== '') context.fillText(text, from, STRETCH_Y);
  }
  context.font = fonts.plain;
  context.fillStyle = paints.dim;
  const tickY = axis.stretches.length === 0 ? axisHeight / 2 : TICK_Y;
  for (const tick of axis.ticks) {
    const x = Math.round(scale.x(tick.time));
    if (x < -60 || x > width) continue;
    context.fillText(tick.label, x + 5, tickY);
  }
  context.fillStyle = paints.lineStrong;
  context.globalAlpha = 0.5;
  for (const tick of axis.ticks) context.fillRect(Math.round(scale.x(tick.time)), axisHeight - 7, 1, 6);
  context.globalAlpha = 1;
}
