import { ApiError, apiKey, serverBase, type Schema } from '../../../api';

export interface UploadStep {
  readonly step: 'reading' | 'sending' | 'storing';
  /** From 0 to 1; null if nobody knows. */
  readonly share: number | null;
}

/** Sends an export file to the server. `fetch` does not tell how far an upload is, so this is the one place with the older way. */
export async function upload(
  file: File,
  tell: (step: UploadStep) => void,
  signal: AbortSignal,
): Promise<Schema<'ImportOutcome'>> {
  tell({ step: 'reading', share: null });
  const body = await unpacked(file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${serverBase()}/api/0/import?by_bucket=true`);
    request.setRequestHeader('Content-Type', 'application/json');
    const key = apiKey();
    if (key !== null) request.setRequestHeader('Authorization', `Bearer ${key}`);
    request.upload.addEventListener('progress', (event) => {
      const share = event.lengthComputable ? event.loaded / event.total : null;
      tell(share === 1 ? { step: 'storing', share: null } : { step: 'sending', share });
    });
    request.addEventListener('load', () => finish(request, resolve, reject));
    request.addEventListener('error', () => reject(new ApiError(0, 'unreachable', 'The server cannot be reached.')));
    request.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')));
    signal.addEventListener('abort', () => request.abort());
    if (signal.aborted) request.abort();
    else request.send(body);
  });
}

function finish(
  request: XMLHttpRequest,
  resolve: (outcome: Schema<'ImportOutcome'>) => void,
  reject: (error: Error) => void,
) {
  let body: unknown;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    body = null;
  }
  if (request.status === 200 && body !== null) resolve(body as Schema<'ImportOutcome'>);
  else {
    const { type, message } = (body ?? {}) as { type?: string; message?: string };
    reject(
      new ApiError(request.status, type ?? 'error', message ?? `The server answered with status ${request.status}.`),
    );
  }
}

async function unpacked(file: File): Promise<Blob> {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (start[0] !== 0x1f || start[1] !== 0x8b) return file;
  const stream = file.stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).blob();
}
