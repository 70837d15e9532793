import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { languages, type Language } from "./languages";

type Catalogue = Record<string, string>;
const catalogues = import.meta.glob<Catalogue>("./locales/*.json", { import: "default" });
const kept = "gims.language";

export const offered = languages.filter((one) => `./locales/${one.code}.json` in catalogues);

function remembered(): Language {
  const said = localStorage.getItem(kept);
  return offered.find((one) => one.code === said)?.code ?? offered.find((one) => navigator.language.startsWith(one.code))?.code ?? "en";
}

// Has a language at hand beside the one that is shown: what is printed may be in two.
export async function haveLanguage(code: Language): Promise<boolean> {
  const load = catalogues[`./locales/${code}.json`];
  if (!load) return false;
  if (!i18next.hasResourceBundle(code, "translation")) i18next.addResourceBundle(code, "translation", await load());
  return true;
}

export async function setLanguage(code: Language): Promise<void> {
  if (!(await haveLanguage(code))) return;
  await i18next.changeLanguage(code);
  localStorage.setItem(kept, code);
  document.documentElement.lang = code;
  document.documentElement.dir = offered.find((one) => one.code === code)?.rtl ? "rtl" : "ltr";
}

export async function startLanguages(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: "en",
    fallbackLng: false,
    resources: {},
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false }, // React escapes
    returnEmptyString: false,
  });
  await setLanguage(remembered());
}
