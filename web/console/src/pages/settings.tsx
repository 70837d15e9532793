// The site's settings; what its safety rests on is not among them.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { languages } from "../i18n/languages";
import { useAct, useMay } from "../session/session";
import { Button, Check, Select, TextField } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { Failed, Loaded, Note, Page, Sheet } from "../ui/parts";
import { useTell } from "../ui/toasts";

type Settings = Schemas["Settings"];
const numbers = [
  ["retention_days", 1, 36500, true], ["slip_hours", 1, 720, false], ["device_inactive_days", 7, 3650, true],
  ["session_idle_minutes", 5, 60, false], ["session_hours", 1, 12, false], ["fresh_minutes", 1, 15, false],
] as const;

export default function SettingsPage() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["settings"], queryFn: () => ask(api.GET("/settings")) });
  return <Page title={t("nav.settings")} about={t("settings.about")}><Loaded query={query}>{(settings) => <Form settings={settings} />}</Loaded></Page>;
}

function Form(props: { settings: Settings }) {
  const { t } = useTranslation();
  const may = useMay();
  const tell = useTell();
  const { settings } = props;
  const [draft, setDraft] = useState<Record<string, string>>(() => Object.fromEntries(numbers.map(([name]) => [name, settings[name] === null ? "" : String(settings[name])])));
  const [language, setLanguage] = useState(settings.language);
  const [zone, setZone] = useState(settings.time_zone);
  const [approval, setApproval] = useState(settings.device_approval);
  const [metrics, setMetrics] = useState(settings.metrics);
  const [banner, setBanner] = useState(settings.banner);
  const [token, setToken] = useState<string>();
  const [confirm, askFor] = useConfirm();
  const save = useAct((body: Schemas["SettingsChange"]) => ask(api.PATCH("/settings", { body })), { touches: ["settings"], onDone: () => tell(t("act.done")) });
  const newToken = useAct(() => ask(api.POST("/settings/metrics-token")), { onDone: (made) => setToken(made.token) });
  const mayChange = may("changeSettings");
  const problem = ([name, low, high, empty]: (typeof numbers)[number]) => {
    const text = draft[name] ?? "";
    if (text === "" && empty) return undefined;
    const value = Number(text);
    return text !== "" && Number.isInteger(value) && value >= low && value <= high ? undefined : t("settings.number_wrong", { low, high });
  };
  const ready = mayChange && numbers.every((one) => problem(one) === undefined) && zone !== "" && !save.isPending;
  const submit = () => save.mutate({
    ...Object.fromEntries(numbers.map(([name]) => [name, draft[name] === "" ? null : Number(draft[name])])), language, time_zone: zone, device_approval: approval, metrics, banner,
  });
  const zones = Intl.supportedValuesOf("timeZone");
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); if (ready) submit(); }}>
      {confirm}
      {!mayChange && <Note><p>{t("settings.read_only")}</p></Note>}
      <div className="grid grid-wide">
        <Sheet title={t("settings.site")}>
          <Select label={t("settings.language")} value={language} onChange={setLanguage} options={languages.map((one) => [one.code, one.name] as const)} />
          <Select label={t("settings.time_zone")} value={zone} onChange={setZone} options={(zones.includes(zone) ? zones : [zone, ...zones]).map((one) => [one, one] as const)} />
          <TextField label={t("settings.banner")} value={banner} onChange={setBanner} lines max={512} hint={t("settings.banner_hint")} />
        </Sheet>
        <Sheet title={t("settings.keeping")}>
          {numbers.slice(0, 3).map((one) => <TextField key={one[0]} label={t(`setting.${one[0]}`)} value={draft[one[0]] ?? ""} numeric max={5} onChange={(value) => setDraft({ ...draft, [one[0]]: value })} hint={t(`setting_hint.${one[0]}`)} problem={problem(one)} />)}
          <Check label={t("settings.device_approval")} value={approval} onChange={setApproval} />
        </Sheet>
        <Sheet title={t("settings.sessions")}>
          {numbers.slice(3).map((one) => <TextField key={one[0]} label={t(`setting.${one[0]}`)} value={draft[one[0]] ?? ""} numeric max={5} onChange={(value) => setDraft({ ...draft, [one[0]]: value })} problem={problem(one)} />)}
        </Sheet>
        <Sheet title={t("settings.monitoring")}>
          <p className="soft">{t("settings.metrics_what")}</p>
          <Check label={t("settings.metrics")} value={metrics} onChange={setMetrics} />
          {may("makeMetricsToken") && <div className="line line-end"><Button onPress={() => askFor({ title: t("settings.new_token"), what: t("settings.new_token_what"), action: t("settings.new_token"), danger: true, run: () => newToken.mutateAsync(undefined) })}>{t("settings.new_token")}</Button></div>}
        </Sheet>
      </div>
      {save.error && <Failed error={save.error} />}
      {mayChange && <div className="line line-end"><Button type="submit" kind="main" isDisabled={!ready}>{t("act.save")}</Button></div>}
      {token && (
        <Dialog title={t("settings.new_token")} alert onClose={() => setToken(undefined)}>
          <Note tone="warn"><p>{t("settings.token_once")}</p></Note>
          <p className="mono"><strong>{token}</strong></p>
          <div className="line line-end"><Button kind="main" onPress={() => setToken(undefined)}>{t("act.close")}</Button></div>
        </Dialog>
      )}
    </form>
  );
}
