import { paintAxis, paintGround } from './ground';
import { LanePainter, type Fonts } from './lanes';
import { paintOverlay } from './overlay';
import { paintLaneLabels } from './laneLabels';
import type { Marks, Scene } from './scene';
import { TextWidths } from './text';

interface AllFonts extends Fonts {
  readonly family: string;
  readonly bold: TextWidths;
  readonly boldFont: string;
  readonly plainFont: string;
}

/** The two canvases: the picture, and what moves above it. */
export class Painter {
  readonly #base: CanvasRenderingContext2D | null;
  readonly #overlay: CanvasRenderingContext2D | null;
  readonly #lanes = new LanePainter();
  #fonts: AllFonts | null = null;

  constructor(
    private readonly baseCanvas: HTMLCanvasElement,
    private readonly overlayCanvas: HTMLCanvasElement,
  ) {
    this.#base = baseCanvas.getContext('2d', { alpha: false });
    this.#overlay = overlayCanvas.getContext('2d');
  }

  resize(width: number, height: number): void {
    const density = window.devicePixelRatio || 1;
    for (const [canvas, context] of [
      [this.baseCanvas, this.#base],
      [this.overlayCanvas, this.#overlay],
    ] as const) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      context?.setTransform(density, 0, 0, density, 0, 0);
    }
  }

  base(scene: Scene): void {
    const context = this.#base;
    if (context === null) return;
    const fonts = this.#fontsFor(context, scene.paints.font);
    paintGround(context, scene);
    context.save();
    context.beginPath();
    context.rect(0, scene.axisHeight, scene.width, scene.height - scene.axisHeight);
    context.clip();
    this.#lanes.paint(context, scene, fonts);
    if (scene.laneLabels) paintLaneLabels(context, scene, fonts);
    context.restore();
    paintAxis(context, scene, fonts.bold, { bold: fonts.boldFont, plain: fonts.plainFont });
  }

  overlay(scene: Scene, marks: Marks): void {
    if (this.#overlay !== null) paintOverlay(this.#overlay, scene, marks);
  }

  #fontsFor(context: CanvasRenderingContext2D, family: string): AllFonts {
    if (this.#fonts?.family !== family) {
      const font = (weight: number, size: number) => `${weight} ${size}px ${family}`;
      const [labelFont, detailFont, boldFont, plainFont] = [
        font(560, 12.5),
        font(400, 11.5),
        font(600, 12),
        font(400, 11.5),
      ];
      this.#fonts = {
        family,
        labelFont,
        detailFont,
        boldFont,
        plainFont,
        label: new TextWidths(context, labelFont),
        detail: new TextWidths(context, detailFont),
        bold: new TextWidths(context, boldFont),
      };
    }
    return this.#fonts;
  }
}
