import { rgbOf, rgbText } from '../colors';
import type { Row } from '../lanes';
import { barsOf } from './lanes';
import type { Marks, Scene, Target } from './scene';

/** What changes while the picture below stays: where the pointer is, what is chosen, which range is marked, and now. */
export function paintOverlay(context: CanvasRenderingContext2D, scene: Scene, marks: Marks): void {
  const { width, height, axisHeight, paints } = scene;
  context.clearRect(0, 0, width, height);
  if (marks.range !== null) paintRange(context, scene, marks.range);
  context.save();
  context.beginPath();
  context.rect(0, axisHeight, width, height - axisHeight);
  context.clip();
  if (marks.hover !== null) outline(context, scene, marks.hover, paints.text, 1.5);
  if (marks.selected !== null) outline(context, scene, marks.selected, paints.focus, 2.5);
  if (marks.cursor !== null) outline(context, scene, marks.cursor, paints.focus, 2.5);
  context.restore();
  if (marks.pointer !== null && marks.range === null) {
    context.fillStyle = paints.lineStrong;
    context.globalAlpha = 0.55;
    context.fillRect(Math.round(marks.pointer), axisHeight - 8, 1, height);
    context.globalAlpha = 1;
  }
  paintNow(context, scene);
}

function paintNow(context: CanvasRenderingContext2D, scene: Scene): void {
  const x = Math.round(scene.scale.x(scene.now));
  if (x < -4 || x > scene.width + 4) return;
  // What has not happened yet lies in a thin haze.
  context.fillStyle = scene.paints.back;
  context.globalAlpha = 0.55;
  context.fillRect(x, scene.axisHeight, scene.width - x, scene.height);
  context.globalAlpha = 1;
  context.fillStyle = scene.paints.danger;
  context.fillRect(x, scene.axisHeight - 4, 1.5, scene.height);
  context.beginPath();
  context.arc(x + 0.75, scene.axisHeight - 4, 3.5, 0, 2 * Math.PI);
  context.fill();
}

function paintRange(context: CanvasRenderingContext2D, scene: Scene, range: { start: number; end: number }): void {
  const left = Math.round(scene.scale.x(range.start));
  const right = Math.max(Math.round(scene.scale.x(range.end)), left + 1);
  const accent = rgbOf(scene.paints.accent);
  context.fillStyle = rgbText(accent, 0.14);
  context.fillRect(left, 0, right - left, scene.height);
  context.fillStyle = rgbText(accent, 0.9);
  context.fillRect(left, 0, 1.5, scene.height);
  context.fillRect(right - 1.5, 0, 1.5, scene.height);
  context.fillRect(left, scene.axisHeight - 3, right - left, 3);
}

function outline(context: CanvasRenderingContext2D, scene: Scene, target: Target, color: string, line: number): void {
  const row = scene.layout.rows.find(
    (one): one is Extract<Row, { kind: 'lane' }> => one.kind === 'lane' && one.lane.key === target.lane,
  );
  if (row === undefined) return;
  const bars = barsOf(row, scene.laneLabels);
  const left = Math.max(Math.round(scene.scale.x(target.start)), -10);
  const right = Math.min(Math.max(Math.round(scene.scale.x(target.end)), left + 2), scene.width + 10);
  const y = scene.axisHeight + bars.y - scene.scrollTop;
  context.lineJoin = 'round';
  context.beginPath();
  context.roundRect(left - 1, y - 1.5, right - left + 1, bars.height + 3, 4);
  context.strokeStyle = scene.paints.surface;
  context.lineWidth = line + 2;
  context.stroke();
  context.strokeStyle = color;
  context.lineWidth = line;
  context.stroke();
}
