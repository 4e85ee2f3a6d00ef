import { askEarly } from './api/early';
import { takeKeyFromAddress } from './api/key';
import { landingPath } from './settings/landing';
import { rememberedLook } from './settings/look';
import { parseHash } from './shell/address';
import { LOADS } from './shell/loads';
import { languageFrom, loadMessages } from './text/languages';

/**
 * The first code that runs: it asks for what the first page needs, while the rest of the code is still being read. It must import nothing
 * large. Whatever fails here is asked for again by those who need it.
 */
const ALWAYS = ['/api/0/settings', '/api/0/buckets'];
const WITH_CATEGORIES = ['activity', 'timeline', 'trends', 'report', 'goals'];

takeKeyFromAddress();
const look = rememberedLook();
const { path } = parseHash(location.hash);
const name = (path === '/' ? landingPath(look.landingpage) : path).split('/')[1] ?? '';

// Below `/timberline/` it is not known yet where the server is (see client.ts).
if (!location.pathname.endsWith('/timberline/')) {
  askEarly(WITH_CATEGORIES.includes(name) ? [...ALWAYS, '/api/1/categories'] : ALWAYS);
}
void loadMessages(languageFrom(look.locale)).catch(() => undefined);
if (Object.hasOwn(LOADS, name)) void LOADS[name as keyof typeof LOADS]().catch(() => undefined);
