import './boot';
import './design/tokens.css';
import './design/base.css';
import { mount, tick } from 'svelte';
import { findServer } from './api/client';
import { endEarly } from './api/early';
import { theme } from './design/theme.svelte';
import { landingPath, rememberedLook, settings, type Theme } from './settings';
import { route, startRouter } from './shell/router.svelte';
import { loadPage } from './shell/loaded';
import Shell from './shell/Shell.svelte';
import { languageFrom, text } from './text';

/** How long the first picture waits for what it would otherwise be drawn twice for. */
const PATIENCE = 250;

const look = rememberedLook();
if (look.theme === 'light' || look.theme === 'dark') theme.show(look.theme satisfies Theme);
if (look.contrast === 'more') theme.contrast('more');
startRouter(landingPath(look.landingpage));

const target = document.getElementById('app');
if (target !== null) void start(target);

async function start(target: HTMLElement) {
  await Promise.all([text.use(languageFrom(look.locale)), findServer()]);
  const { page } = route;
  const wanted = [settings.load(), ...(page === null ? [] : [loadPage(page)])];
  await Promise.race([Promise.allSettled(wanted), new Promise((done) => setTimeout(done, PATIENCE))]);
  mount(Shell, { target });
  await tick();
  endEarly();
}
