import { untrack } from 'svelte';
import { reading } from '../../api';
import { route } from '../../shell';
import { momentFrom } from './moment';

/** The parameter's name in the address: that of the API. */
const NAME = 'as_of';

/**
 * Which moment of the past is shown is in the address of the page, so that a copied link and a reload show the same. At the start the address leads, or if
 * it says nothing, what other pages have chosen. Then either follows the other. Call it while the page is created.
 */
export function keepPastInAddress(path: string): void {
  let known = momentFrom(route.get(NAME));
  if (known !== null) reading.goTo(known);
  $effect(() => {
    // The address of another page says nothing about this one, which is about to go.
    if (route.path !== path) return;
    const written = route.get(NAME);
    const address = momentFrom(written);
    const shown = reading.asOf;
    untrack(() => {
      if (address !== known) {
        known = address;
        if (address === null) reading.now();
        else reading.goTo(address);
      } else if (shown !== known || written !== address) {
        known = shown;
        route.set({ [NAME]: shown }, { replace: true });
      }
    });
  });
}
