import { api, ok } from '../api';
import { resource } from '../data';

/** The names of the hosts that have windows, or a phone's apps, in alphabetical order: those that usage can be asked for. */
export function useHosts(): { readonly list: readonly string[] } {
  const buckets = resource(
    () => true,
    (_, signal) => ok(api.GET('/api/0/buckets', { signal })),
    { live: (news) => news.kind === 'buckets', every: 10_000 },
  );
  const list = $derived.by(() => {
    const all = Object.values(
      (buckets.value ?? {}) as Record<string, { type?: string; hostname?: string; id?: string }>,
    );
    const used = all.filter(
      ({ type, id }) => type === 'currentwindow' || (type === 'app' && id?.startsWith('aw-import-screentime')),
    );
    const names = used.map(({ hostname }) => hostname ?? '').sort();
    return names.filter((name, i) => name !== '' && name !== names[i - 1]);
  });
  return {
    get list() {
      return list;
    },
  };
}
