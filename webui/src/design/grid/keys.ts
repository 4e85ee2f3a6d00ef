export interface Place {
  readonly row: number;
  readonly column: number;
}

/** Where a key leads in a grid, by the ARIA pattern; null if it is none of its keys. */
export function gridMove(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  at: Place,
  size: { rows: number; columns: number; page: number },
): Place | null {
  if (event.altKey) return null;
  const far = event.ctrlKey || event.metaKey;
  const last = { row: Math.max(size.rows - 1, 0), column: Math.max(size.columns - 1, 0) };
  const to = (row: number, column: number): Place => ({
    row: Math.min(Math.max(row, 0), last.row),
    column: Math.min(Math.max(column, 0), last.column),
  });
  switch (event.key) {
    case 'ArrowDown':
      return far ? to(last.row, at.column) : to(at.row + 1, at.column);
    case 'ArrowUp':
      return far ? to(0, at.column) : to(at.row - 1, at.column);
    case 'ArrowRight':
      return to(at.row, far ? last.column : at.column + 1);
    case 'ArrowLeft':
      return to(at.row, far ? 0 : at.column - 1);
    case 'PageDown':
      return to(at.row + size.page, at.column);
    case 'PageUp':
      return to(at.row - size.page, at.column);
    case 'Home':
      return far ? to(0, 0) : to(at.row, 0);
    case 'End':
      return far ? to(last.row, last.column) : to(at.row, last.column);
    default:
      return null;
  }
}
