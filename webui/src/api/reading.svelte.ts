/**
 * The moment whose state the whole page shows: null means now. A number is a record of the log, a string an instant.
 * Every request that can read a past state gets it (see client.ts), and it is part of the key of every resource.
 */
class ReadingTime {
  #asOf = $state<string | null>(null);

  get asOf(): string | null {
    return this.#asOf;
  }

  get past(): boolean {
    return this.#asOf !== null;
  }

  goTo(moment: string): void {
    this.#asOf = moment;
  }

  now(): void {
    this.#asOf = null;
  }
}

export const reading = new ReadingTime();
