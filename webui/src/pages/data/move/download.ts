import { ApiError, apiKey, serverBase } from '../../../api';

/** Lets the browser save the file. With an API key, which a link cannot send, the page loads it first. */
export async function download(address: string): Promise<void> {
  const key = apiKey();
  const url = serverBase() + address;
  if (key === null) return save(url);
  // eslint-disable-next-line no-restricted-globals -- a file, and not JSON
  const response = await fetch(url, { headers: { Authorization: `Bearer ${key}` } });
  if (!response.ok) throw new ApiError(response.status, 'error', await response.text());
  const name = /filename="?([^";]+)/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  const object = URL.createObjectURL(await response.blob());
  save(object, name ?? 'timberline-export');
  setTimeout(() => URL.revokeObjectURL(object), 60_000);
}

function save(url: string, name = ''): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}
