import { api, ok } from '../api';
import { live } from '../live';

/** Whether there are fake data in the store: days of an invented person, in buckets that say so. */
class Fake {
  present = $state(false);
  removing = $state(false);

  /** Keeps `present` in step with the buckets. The answer ends it. */
  follow(): () => void {
    void this.look();
    return live.listen((news) => {
      if (news.kind === 'buckets') void this.look();
    });
  }

  async look(): Promise<void> {
    try {
      const buckets = Object.values(await ok(api.GET('/api/0/buckets')));
      this.present = buckets.some((bucket) => (bucket.data as Record<string, unknown>)['fake'] === true);
    } catch {
      // The pages say themselves that they cannot be loaded.
    }
  }

  async remove(): Promise<void> {
    this.removing = true;
    try {
      await ok(api.DELETE('/api/1/fake'));
      await this.look();
    } finally {
      this.removing = false;
    }
  }
}

export const fake = new Fake();
