import { tokenColor } from '../design';

export type Rgb = readonly [number, number, number];

/** The tokens that are painted with, as they are in the theme that is shown. */
export interface Paints {
  readonly surface: string;
  readonly back: string;
  readonly sunken: string;
  readonly hover: string;
  readonly line: string;
  readonly lineStrong: string;
  readonly text: string;
  readonly dim: string;
  readonly accent: string;
  readonly focus: string;
  readonly danger: string;
  readonly skeleton: string;
  readonly none: string;
  readonly font: string;
}

export function readPaints(): Paints {
  return {
    surface: tokenColor('--surface'),
    back: tokenColor('--back'),
    sunken: tokenColor('--sunken'),
    hover: tokenColor('--hover'),
    line: tokenColor('--line'),
    lineStrong: tokenColor('--line-strong'),
    text: tokenColor('--text'),
    dim: tokenColor('--text-dim'),
    accent: tokenColor('--accent'),
    focus: tokenColor('--focus'),
    danger: tokenColor('--danger'),
    skeleton: tokenColor('--skeleton'),
    none: tokenColor('--category-none'),
    font: getComputedStyle(document.body).fontFamily,
  };
}

const known = new Map<string, Rgb>();
let probe: CanvasRenderingContext2D | null = null;

/** Red, green and blue of anything that CSS calls a colour. */
export function rgbOf(color: string): Rgb {
  let rgb = known.get(color);
  if (rgb === undefined) {
    probe ??= Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', {
      willReadFrequently: true,
    });
    if (probe === null) return [128, 128, 128];
    probe.fillStyle = '#808080'; // what stays if the colour cannot be read
    probe.fillStyle = color;
    probe.fillRect(0, 0, 1, 1);
    const [r = 128, g = 128, b = 128] = probe.getImageData(0, 0, 1, 1).data;
    rgb = [r, g, b];
    known.set(color, rgb);
  }
  return rgb;
}

export function rgbText([r, g, b]: Rgb, alpha = 1): string {
  return alpha === 1 ? `rgb(${r} ${g} ${b})` : `rgb(${r} ${g} ${b} / ${alpha})`;
}

/** So much of the one, the rest of the other. */
export function blend(one: Rgb, share: number, other: Rgb): Rgb {
  const mix = (i: 0 | 1 | 2) => Math.round(one[i] * share + other[i] * (1 - share));
  return [mix(0), mix(1), mix(2)];
}

/** Black or white, whichever can be read better on the colour. */
export function inkOn(color: Rgb): string {
  const light = luminance(color);
  return (light + 0.05) / (luminance(DARK) + 0.05) > 1.05 / (light + 0.05) ? rgbText(DARK) : '#ffffff';
}

const DARK: Rgb = [16, 22, 18];

function luminance(color: Rgb): number {
  const linear = color.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
}
