import type { Plugin } from 'vite';

const ICON = /@lucide\/svelte\/dist\/icons\/[^/]+\.svelte$/;
const DATA = /const iconData = (\{.*\});/;

interface IconData {
  readonly name: string;
  readonly size: number;
  readonly node: readonly (readonly [string, Readonly<Record<string, string>>])[];
}

/**
 * Makes plain markup of each icon. Lucide's own component puts an icon together from data whenever it is shown, which takes a millisecond; a page has
 * dozens. The properties that are used here are `size`, `aria-hidden` and `aria-label`.
 */
export function plainIcons(): Plugin {
  return {
    name: 'timberline-plain-icons',
    enforce: 'pre',
    transform(code, id) {
      if (!ICON.test(id)) return undefined;
      const data = DATA.exec(code)?.[1];
      if (data === undefined) throw new Error(`${id} is not written as this plugin knows icons`);
      return { code: component(JSON.parse(data) as IconData), map: null };
    },
  };
}

function component({ name, size, node }: IconData): string {
  const shapes = node.map(([tag, attributes]) => `<${tag}${attributesText(attributes)} />`).join('');
  const fixed = attributesText({
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${size} ${size}`,
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': '2',
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    class: `lucide-icon lucide lucide-${name}`,
  });
  return `<script>
let { size = ${size}, 'aria-label': label, 'aria-hidden': hidden = label === undefined ? 'true' : undefined } = $props();
</script>
<svg${fixed} width={size} height={size} aria-label={label} aria-hidden={hidden}>${shapes}</svg>`;
}

function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .filter(([name]) => name !== 'key')
    .map(([name, value]) => ` ${name}="${value}"`)
    .join('');
}
