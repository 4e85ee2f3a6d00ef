import type { Page, PageComponent } from './pages';

const loaded = new Map<Page, PageComponent>();

/** The code of a page. */
export async function loadPage(page: Page): Promise<PageComponent> {
  const { default: component } = await page.load();
  loaded.set(page, component);
  return component;
}

/** The same if it is here already, so that the page is shown at once. */
export function loadedPage(page: Page): PageComponent | undefined {
  return loaded.get(page);
}
