// The languages of the console, each by its own name, with the script that it is written in.
import type { Schemas } from "../api/client";

export type Language = Schemas["Language"];

export const languages: readonly { code: Language; name: string; locale: string; rtl?: true }[] = [
  { code: "en", name: "English", locale: "en-IN" },
  { code: "hi", name: "हिन्दी", locale: "hi-IN" },
  { code: "as", name: "অসমীয়া", locale: "as-IN" },
  { code: "bn", name: "বাংলা", locale: "bn-IN" },
  { code: "gu", name: "ગુજરાતી", locale: "gu-IN" },
  { code: "kn", name: "ಕನ್ನಡ", locale: "kn-IN" },
  { code: "ml", name: "മലയാളം", locale: "ml-IN" },
  { code: "mr", name: "मराठी", locale: "mr-IN" },
  { code: "or", name: "ଓଡ଼ିଆ", locale: "or-IN" },
  { code: "pa", name: "ਪੰਜਾਬੀ", locale: "pa-IN" },
  { code: "ta", name: "தமிழ்", locale: "ta-IN" },
  { code: "te", name: "తెలుగు", locale: "te-IN" },
  { code: "ur", name: "اردو", locale: "ur-IN", rtl: true },
];

export function localeOf(code: string): string {
  // Digits as the administration writes them, whatever the script; thousands as India groups them.
  return `${languages.find((one) => one.code === code)?.locale ?? "en-IN"}-u-nu-latn`;
}
