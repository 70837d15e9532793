// How the site is now, and how it was: alarms, figures, charts, services.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useFormats, type Formats } from "../i18n/format";
import { useAct, useMay, useSession } from "../session/session";
import { Button, Select } from "../ui/controls";
import { useConfirm } from "../ui/dialogs";
import { Badge, Facts, Failed, Figure, Loaded, Loading, Note, Page, Sheet, type Tone } from "../ui/parts";
import { useTell } from "../ui/toasts";
import { JobLine, useJobs } from "./jobs";

const Chart = lazy(() => import("../ui/chart"));
type Name = Schemas["Figure"];
type Range = "15m" | "3h" | "24h" | "7d";
type Series = Schemas["Series"];

const charts: readonly (readonly Name[])[] = [
  ["messages_per_second"], ["send_p50_ms", "send_p99_ms"], ["connections", "sync_waiters"], ["cpu_percent", "memory_percent"], ["disk_percent"], ["temperature_celsius"],
];

function show(name: Name, format: Formats): (value: number) => string {
  if (name.endsWith("_percent")) return format.percent;
  if (name.endsWith("_ms")) return format.milliseconds;
  if (name.endsWith("_celsius")) return format.celsius;
  return format.number;
}

// What is new is put behind what is there; what is older than the range falls off.
export function joined(old: Series | undefined, fresh: Series): Series {
  if (!old || old.step_ms !== fresh.step_ms) return fresh;
  const newest = old.ts.at(-1) ?? 0;
  const first = fresh.ts.findIndex((ts) => ts > newest);
  const added = first < 0 ? 0 : fresh.ts.length - first;
  const names = Object.keys(fresh.figures);
  return {
    ...fresh,
    ts: [...old.ts.slice(added), ...(first < 0 ? [] : fresh.ts.slice(first))],
    figures: Object.fromEntries(names.map((name) => [
      name, [...(old.figures[name] ?? old.ts.map(() => null)).slice(added), ...(first < 0 ? [] : (fresh.figures[name] ?? []).slice(first))],
    ])),
  };
}

export default function Overview() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const { site } = useSession();
  const tell = useTell();
  const [range, setRange] = useState<Range>("15m");
  const [confirm, askFor] = useConfirm();
  const health = useQuery({ queryKey: ["health"], queryFn: () => ask(api.GET("/health")), refetchInterval: 5_000 });
  const status = useQuery({ queryKey: ["status"], queryFn: () => ask(api.GET("/status")), refetchInterval: 15_000 });
  const kept = useRef<{ range: Range; series: Series }>(undefined);
  const series = useQuery({
    queryKey: ["series", range],
    queryFn: async () => {
      const before = kept.current?.range === range ? kept.current.series : undefined;
      const since = before?.ts.at(-1);
      const fresh = await ask(api.GET("/health/series", { params: { query: since === undefined ? { range } : { range, since } } }));
      const all = joined(before, fresh);
      kept.current = { range, series: all };
      return all;
    },
    refetchInterval: range === "15m" ? 5_000 : 60_000,
  });
  const jobs = useJobs("store_check");
  const check = useAct((full: boolean) => ask(api.POST("/health/check", { body: { full } })), { touches: ["jobs"], onDone: () => tell(t("overview.check_started")) });
  const zone = site?.time_zone ?? "Asia/Kolkata";
  return (
    <Page title={t("nav.overview")} about={t("overview.about")}
      acts={may("startCheck") && <Button onPress={() => askFor({
        title: t("overview.check"), what: t("overview.check_what"), action: t("overview.check"), run: () => check.mutateAsync(true),
      })}>{t("overview.check")}</Button>}>
      {confirm}
      <Alarms />
      {jobs.map((job) => <JobLine key={job.job_id} job={job} />)}
      <Loaded query={health}>{(now) => (
        <div className="figures">
          {(Object.entries(now.figures) as [Name, number][]).map(([name, value]) => (
            <Figure key={name} label={t(`figure.${name}`)}>{show(name, format)(value)}</Figure>
          ))}
          <Figure label={t("overview.disk_free")} note={t("overview.of", { total: format.bytes(now.disk.total) })}>{format.bytes(now.disk.free)}</Figure>
          <Figure label={t("overview.last_backup")}>{now.last_backup_ts ? format.ago(now.last_backup_ts, now.ts) : t("state.never")}</Figure>
        </div>
      )}</Loaded>
      <div className="line spread">
        <h2>{t("overview.charts")}</h2>
        <Select label={t("overview.range")} value={range} onChange={setRange}
          options={(["15m", "3h", "24h", "7d"] as const).map((one) => [one, t(`range.${one}`)] as const)} />
      </div>
      <Loaded query={series}>{(data) => (
        <Suspense fallback={<Loading />}>
          <div className="grid">
            {charts.filter((names) => names.some((name) => data.figures[name])).map((names) => (
              <Chart key={names.join()} title={t(`chart.${names[0]!}`)} ts={data.ts} timeZone={zone} show={show(names[0]!, format)}
                series={names.map((name) => ({ label: t(`figure.${name}`), values: data.figures[name] ?? [] }))} />
            ))}
          </div>
        </Suspense>
      )}</Loaded>
      <div className="grid grid-wide">
        <Sheet title={t("overview.site")}>
          <Loaded query={status}>{(site_now) => (
            <>
              {site_now.store.read_only && <Note tone="bad" title={t("overview.read_only")}><p>{t("overview.read_only_what")}</p><p className="small" lang="en" dir="ltr">{site_now.store.reason}</p></Note>}
              {site_now.store.damage && <Note tone="bad" title={t("overview.damage")}><p>{t("overview.damage_what")}</p><p className="small" lang="en" dir="ltr">{site_now.store.damage}</p></Note>}
              <Facts rows={[
                [t("overview.version"), <span className="mono">{site_now.version}</span>],
                [t("overview.uptime"), site_now.uptime_seconds < 7200 ? format.minutes(Math.round(site_now.uptime_seconds / 60)) : format.hours(Math.round(site_now.uptime_seconds / 3600))],
                [t("overview.keyd"), <span lang="en" dir="ltr">{site_now.keyd.state}</span>],
                [t("overview.accounts"), t("overview.accounts_of", { active: format.number(site_now.users.active), locked: format.number(site_now.users.locked), deactivated: format.number(site_now.users.deactivated) })],
                [t("overview.audit"), <span lang="en" dir="ltr">{site_now.audit.text}</span>],
              ]} />
            </>
          )}</Loaded>
        </Sheet>
        <Sheet title={t("overview.services")}>
          <Loaded query={health}>{(now) => <Services services={now.services} />}</Loaded>
        </Sheet>
      </div>
    </Page>
  );
}

const tones: Record<string, Tone> = { running: "good", waiting: "warn", failed: "bad", stopped: "neutral", critical: "bad", warning: "warn", notice: "neutral" };

function Services(props: { services: Schemas["Health"]["services"] }) {
  const { t } = useTranslation();
  return (
    <ul className="rows">
      {props.services.map((service) => (
        <li key={service.name} className="line spread">
          <span className="mono">{service.name}</span>
          <Badge tone={tones[service.state] ?? "neutral"}>{t(`service_state.${service.state}`)}</Badge>
          {service.text && <span className="small soft" lang="en" dir="ltr">{service.text}</span>}
        </li>
      ))}
    </ul>
  );
}

function Alarms() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [confirm, askFor] = useConfirm();
  const query = useQuery({ queryKey: ["alarms"], queryFn: () => ask(api.GET("/alarms")) });
  const acknowledge = useAct((input: { alarmId: string; reason: string }) =>
    ask(api.POST("/alarms/{alarmId}/acknowledge", { params: { path: { alarmId: input.alarmId } }, body: input.reason ? { reason: input.reason } : {} })), { touches: ["alarms"] });
  if (query.error && !query.data) return <Failed error={query.error} />;
  if (!query.data) return null;
  if (query.data.alarms.length === 0) return <Note tone="good"><p>{t("overview.no_alarms")}</p></Note>;
  return (
    <section className="sheet sheet-plain" aria-label={t("overview.alarms")}>
      {confirm}
      <ul className="rows">
        {query.data.alarms.map((alarm) => (
          <li key={alarm.alarm_id} className="line spread">
            <Badge tone={tones[alarm.severity] ?? "neutral"}>{t(`severity.${alarm.severity}`)}</Badge>
            <div className="grow">
              <strong>{t(`alarm.${alarm.kind}`)}</strong>
              <p className="small" lang="en" dir="ltr">{alarm.text}</p>
              <p className="small soft">{t("overview.since", { time: format.time(alarm.since_ts) })}{alarm.acknowledged_by && ` · ${t("overview.acknowledged_by", { name: alarm.acknowledged_by })}`}</p>
            </div>
            {!alarm.acknowledged_by && may("acknowledgeAlarm") && (
              <Button onPress={() => askFor({
                title: t("overview.acknowledge"), what: t("overview.acknowledge_what"), action: t("overview.acknowledge"), reason: true,
                run: (reason) => acknowledge.mutateAsync({ alarmId: alarm.alarm_id, reason }),
              })}>{t("overview.acknowledge")}</Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
