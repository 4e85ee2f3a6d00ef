export interface GridColumn {
  readonly key: string;
  readonly title: string;
  /** In pixels; the last column also takes what is left. */
  readonly width: number;
  /** Numbers stand at the end. */
  readonly end?: boolean;
  /** Its width cannot be changed. */
  readonly fixed?: boolean;
  /** The title is only for screen readers. */
  readonly bare?: boolean;
}

export const NARROWEST = 56;
export const WIDEST = 1200;

export function within(width: number): number {
  return Math.min(Math.max(Math.round(width), NARROWEST), WIDEST);
}
