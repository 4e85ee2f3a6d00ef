/** What went wrong with a request, in the server's words. `type` is for programs, `message` for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    /** The other fields of the server's answer: `conflicts`, `from_seq`, `hint` and such. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** The server did not answer at all. What a page itself has to say has no status either. */
  get unreachable(): boolean {
    return this.type === 'unreachable';
  }

  /** The server wants an API key or a token. */
  get needsKey(): boolean {
    return this.status === 401;
  }
}

export function fromAnswer(status: number, body: unknown): ApiError {
  if (typeof body === 'object' && body !== null) {
    const { type, message, ...details } = body as Record<string, unknown>;
    if (typeof message === 'string') {
      return new ApiError(status, typeof type === 'string' ? type : 'error', message, details);
    }
  }
  return new ApiError(status, 'error', `The server answered with status ${status}.`);
}

/** Makes one type of everything that can be thrown. An aborted request stays what it is: see `isAbort`. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof TypeError) return new ApiError(0, 'unreachable', 'The server cannot be reached.');
  return new ApiError(0, 'page error', thrown instanceof Error ? thrown.message : String(thrown));
}

export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}
