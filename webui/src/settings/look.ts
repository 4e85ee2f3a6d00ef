/** What the browser remembers of the look before the settings are here. */
export function rememberedLook(): Record<'theme' | 'locale' | 'landingpage' | 'contrast', string | null> {
  try {
    return {
      theme: localStorage.getItem('theme'),
      locale: localStorage.getItem('locale'),
      landingpage: localStorage.getItem('landingpage'),
      contrast: localStorage.getItem('timberline.contrast'),
    };
  } catch {
    return { theme: null, locale: null, landingpage: null, contrast: null };
  }
}
