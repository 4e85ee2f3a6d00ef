import './design/tokens.css';
import './design/base.css';
import { mount } from 'svelte';
import { findServer } from './api/client';
import { takeKeyFromAddress } from './api/key';
import { theme } from './design/theme.svelte';
import { landingPath, rememberedLook, type Theme } from './settings';
import { route, startRouter } from './shell/router.svelte';
import Shell from './shell/Shell.svelte';
import { languageFrom, text } from './text';

const look = rememberedLook();
takeKeyFromAddress();
if (look.theme === 'light' || look.theme === 'dark') theme.show(look.theme satisfies Theme);
if (look.contrast === 'more') theme.contrast('more');
startRouter(landingPath(look.landingpage));
// The page comes while the texts do.
void route.page?.load().catch(() => undefined);

const target = document.getElementById('app');
if (target !== null) {
  const needed = Promise.all([text.use(languageFrom(look.locale)), findServer()]);
  void needed.then(() => mount(Shell, { target }));
}
