import type { GridColumn } from '../../../design';
import { t } from '../../../text';

export const PICK = '*';
const DATA = 'data.';
const WIDE = new Set(['title', 'url', 'file', 'description', 'label']);

/** The columns of a table of events: the time, the duration, and one for each key of the data. */
export function columnsOf(
  keys: readonly string[],
  widths: Readonly<Record<string, number>>,
  pick: boolean,
  /** On a narrow screen what happened comes right after the time. */
  narrow: boolean,
): readonly GridColumn[] {
  const column = (key: string, title: string, width: number, rest: Partial<GridColumn> = {}): GridColumn => ({
    key,
    title,
    width: widths[key] ?? width,
    ...rest,
  });
  const time = column('timestamp', t('data.events.start'), narrow ? 182 : 216);
  const duration = column('duration', t('data.events.duration'), 112, { end: true });
  const data = keys.map((key) => column(DATA + key, key, WIDE.has(key) ? 380 : narrow ? 110 : 150));
  return [
    ...(pick ? [column(PICK, t('data.events.pick'), 44, { fixed: true, bare: true })] : []),
    time,
    ...(narrow ? [...data, duration] : [duration, ...data]),
  ];
}

export function keyOf(column: Pick<GridColumn, 'key'>): string {
  return column.key.slice(DATA.length);
}
