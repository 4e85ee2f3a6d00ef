import type { Scene } from './scene';
import type { Fonts } from './lanes';

/** The names of lanes and devices above their bars, where the screen is too narrow for a column of them. */
export function paintLaneLabels(context: CanvasRenderingContext2D, scene: Scene, fonts: Fonts): void {
  context.textBaseline = 'middle';
  context.font = fonts.labelFont;
  for (const row of scene.layout.rows) {
    const y = scene.axisHeight + row.y - scene.scrollTop;
    if (y + row.height < scene.axisHeight || y > scene.height) continue;
    if (row.kind === 'device') {
      context.fillStyle = scene.paints.text;
      context.fillText(fonts.label.fit(row.device, scene.width - 16), 8, y + row.height / 2);
    } else if (!row.collapsed) {
      context.fillStyle = scene.paints.dim;
      context.fillText(fonts.label.fit(row.lane.title, scene.width - 16), 8, y + 9);
    }
  }
}
