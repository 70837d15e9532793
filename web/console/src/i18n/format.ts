// Dates, numbers and sizes by the language; times in the site's zone, which is named.
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "../session/session";
import { localeOf } from "./languages";

export function formats(language: string, timeZone: string) {
  const locale = localeOf(language);
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const time = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone });
  const exact = new Intl.DateTimeFormat(locale, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone, timeZoneName: "short",
  });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone });
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone, timeZoneName: "short" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  // A number with a unit in Latin letters keeps its order within a line from right to left (left-to-right isolate).
  const whole = (text: string) => (language === "ur" ? `\u2066${text}\u2069` : text);
  const unit = (name: string, digits = 0) =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits });
  return {
    number: (value: number) => number.format(value),
    time: (ts: number) => time.format(ts),
    exact: (ts: number) => exact.format(ts),
    day: (ts: number) => day.format(ts),
    clock: (ts: number) => clock.format(ts),
    percent: (value: number) => unit("percent").format(value),
    celsius: (value: number) => unit("celsius").format(value),
    milliseconds: (value: number) => unit("millisecond", 1).format(value),
    seconds: (value: number) => unit("second").format(value),
    minutes: (value: number) => unit("minute").format(value),
    hours: (value: number) => unit("hour").format(value),
    days: (value: number) => unit("day").format(value),
    bytes(value: number): string {
      const steps: [number, string][] = [[1e12, "terabyte"], [1e9, "gigabyte"], [1e6, "megabyte"], [1e3, "kilobyte"]];
      for (const [size, name] of steps) if (value >= size) return whole(unit(name, 1).format(value / size));
      return whole(unit("byte").format(value));
    },
    ago(ts: number, now: number): string {
      const seconds = (ts - now) / 1000;
      const steps: [number, Intl.RelativeTimeFormatUnit][] = [[86_400, "day"], [3_600, "hour"], [60, "minute"]];
      for (const [size, name] of steps) if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), name);
      return relative.format(Math.round(seconds), "second");
    },
  };
}

export type Formats = ReturnType<typeof formats>;

export function useFormats(): Formats {
  const { i18n } = useTranslation();
  const { site } = useSession();
  return useMemo(() => formats(i18n.language, site?.time_zone ?? "Asia/Kolkata"), [i18n.language, site?.time_zone]);
}
