import { api, ok, toApiError, type ApiError, type Schema } from '../../../api';

export type ImportRun = Schema<'ImportRun'>;

const PAUSE = 400;

/** An import that runs on the server, followed to its end. */
export class RunningImport {
  state = $state.raw<ImportRun | null>(null);
  error = $state.raw<ApiError | null>(null);
  readonly over = $derived(this.error !== null || (this.state !== null && isOver(this.state)));

  #timer = 0;

  constructor(private readonly ondone: () => void) {}

  /** Begins the import and follows it. */
  async begin(start: () => Promise<ImportRun>): Promise<void> {
    this.error = null;
    this.state = null;
    try {
      this.#take(await start());
    } catch (error) {
      this.error = toApiError(error);
    }
  }

  async cancel(): Promise<void> {
    const id = this.state?.id;
    if (id === undefined) return;
    try {
      await ok(api.DELETE('/api/1/import/run/{id}', { params: { path: { id } } }));
    } catch (error) {
      this.error = toApiError(error);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #take(run: ImportRun): void {
    this.state = run;
    if (isOver(run)) this.ondone();
    else this.#timer = window.setTimeout(() => void this.#look(run.id), PAUSE);
  }

  async #look(id: string): Promise<void> {
    try {
      this.#take(await ok(api.GET('/api/1/import/run/{id}', { params: { path: { id } } })));
    } catch (error) {
      this.error = toApiError(error);
    }
  }
}

function isOver(run: ImportRun): boolean {
  return run.phase === 'done' || run.phase === 'cancelled' || run.phase === 'failed';
}
