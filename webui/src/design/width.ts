import type { Attachment } from 'svelte/attachments';

/**
 * Tells the width of an element, at first and whenever it changes. Unlike `bind:clientWidth` it waits for the browser to lay the page out, instead of
 * making it do so while the page is still being put together.
 */
export function widthOf(tell: (width: number) => void): Attachment {
  return (element) => {
    const observer = new ResizeObserver(() => tell(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  };
}
