import type de from './de';
import type en from './en';
import type { Message } from './message';

export type Messages = typeof en;
export type Language = 'en' | 'de';

export const LANGUAGES: readonly { id: Language; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'de', name: 'Deutsch' },
];

export type Room = Readonly<Record<string, Message>>;

const load: Record<Language, () => Promise<Readonly<Record<string, Room>>>> = {
  en: async () => (await import('./en')).default satisfies Record<string, Room>,
  de: async () => (await import('./de')).default satisfies typeof de,
};

export function loadMessages(language: Language): Promise<Readonly<Record<string, Room>>> {
  return load[language]();
}

export function languageFrom(wanted: string | null | undefined): Language {
  const known = (tag: string) => LANGUAGES.find((l) => tag === l.id || tag.startsWith(`${l.id}-`))?.id;
  for (const tag of [wanted ?? '', ...navigator.languages]) {
    const language = known(tag);
    if (language !== undefined) return language;
  }
  return 'en';
}
