import { serverBase } from '../api';

/** How to start a server with watchers, so that it is at the address of this page. */
export function upCommand(): string {
  const { port } = new URL(serverBase());
  return `timberline up${port === '5600' || port === '' ? '' : ` --port ${port}`}`;
}
