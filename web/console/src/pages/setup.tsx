// A new unit, from empty to serving: questions first, nothing is written before the last; then the shares, then it serves.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { formats, useFormats } from "../i18n/format";
import { useAct, useSession } from "../session/session";
import { LanguageSelect } from "../session/signin";
import { Button, Check, Select, TextField } from "../ui/controls";
import { Badge, Facts, Failed, Loaded, Note } from "../ui/parts";
import { AdministratorKey, RoleChecks } from "./administrator-key";
import { CeremonySheet } from "./ceremony";
import { SharingFields } from "./custody";
import { JobLine, useJobs } from "./jobs";

type Setup = Schemas["Setup"];
type Draft = Schemas["SetupDraft"];
type Step = Schemas["SetupStep"];
const steps: readonly Step[] = ["clock", "site", "network", "wifi", "custody", "administrators", "sharing"];

export default function SetupPage() {
  const { t } = useTranslation();
  const { session } = useSession();
  return (
    <main className="full-page">
      <div className="sheet sheet-wide">
        <div className="line spread"><h1>{t("setup.title")}</h1><LanguageSelect /></div>
        {session?.setup ? <Wizard /> : <Begin />}
      </div>
    </main>
  );
}

function Begin() {
  const { t } = useTranslation();
  const { setSession } = useSession();
  const [code, setCode] = useState("");
  const begin = useAct(() => ask(api.POST("/setup/begin", { body: { code: code.trim().toUpperCase() } })), { onDone: setSession });
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); begin.mutate(undefined); }}>
      <p>{t("setup.hello")}</p>
      <Note tone="warn"><p>{t("setup.fingerprint")}</p></Note>
      <TextField label={t("setup.code")} value={code} onChange={setCode} max={24} hint={t("setup.code_hint")} code autoFocus />
      {begin.error && <Failed error={begin.error} />}
      <div className="line line-end"><Button type="submit" kind="main" isDisabled={code.trim().length < 8 || begin.isPending}>{t("act.continue")}</Button></div>
    </form>
  );
}

function Wizard() {
  const query = useQuery({ queryKey: ["setup"], queryFn: () => ask(api.GET("/setup")) });
  return <Loaded query={query}>{(setup) => <Steps setup={setup} />}</Loaded>;
}

function Steps(props: { setup: Setup }) {
  const { t } = useTranslation();
  const { setup } = props;
  const [at, setAt] = useState<Step | "review">(() => setup.steps.find((one) => !one.done)?.step ?? "review");
  const [made, setMade] = useState<Schemas["SetupMade"]>();
  const jobs = useJobs("setup");
  const finish = useAct(() => ask(api.POST("/setup/finish")), { touches: ["setup"], onDone: setMade });
  const done = (step: Step) => setup.steps.some((one) => one.step === step && one.done);
  if (made) return <Made made={made} />;
  if (setup.state === "making") return <>{jobs.map((job) => <JobLine key={job.job_id} job={job} />)}<p className="busy">{t("setup.making")}</p></>;
  if (setup.state === "ceremony") return <><p>{t("setup.ceremony")}</p><CeremonySheet finish={() => finish.mutate(undefined)} />{finish.error && <Failed error={finish.error} />}</>;
  return (
    <>
      <ol className="steps" aria-label={t("setup.steps")}>
        {[...steps, "review" as const].map((step) => (
          <li key={step}><Button kind={step === at ? "main" : "quiet"} aria-current={step === at ? "step" : undefined} onPress={() => setAt(step)}>{t(`setup_step.${step}`)}{step !== "review" && done(step) ? " ✓" : ""}</Button></li>
        ))}
      </ol>
      {at === "review" ? <Review setup={setup} /> : <Question key={at} step={at} setup={setup} onDone={() => setAt(steps[steps.indexOf(at) + 1] ?? "review")} />}
    </>
  );
}

type Answer = NonNullable<Draft[Step]>;

function Question(props: { step: Step; setup: Setup; onDone: () => void }) {
  const { t } = useTranslation();
  const { facts, draft } = props.setup;
  const [answer, setAnswer] = useState<Answer>(() => draft[props.step] ?? first(props.step, facts));
  const say = useAct(() => ask(api.PUT("/setup/steps/{step}", { params: { path: { step: props.step } }, body: answer })), { touches: ["setup"], onDone: props.onDone });
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); say.mutate(undefined); }}>
      <h2>{t(`setup_step.${props.step}`)}</h2>
      <p>{t(`setup_what.${props.step}`)}</p>
      <Fields step={props.step} facts={facts} answer={answer} onChange={setAnswer} draft={draft} />
      {say.error && <Failed error={say.error} />}
      <div className="line line-end"><Button type="submit" kind="main" isDisabled={say.isPending}>{t("act.continue")}</Button></div>
    </form>
  );
}

function first(step: Step, facts: Schemas["SetupFacts"]): Answer {
  switch (step) {
    case "clock": return { time: new Date(facts.now_ts).toISOString().slice(0, 19) };
    case "site": return { server_name: "", organisation: "", dns_name: "", time_zone: "Asia/Kolkata", language: "hi" };
    case "network": return { ports: facts.ports.map((port) => ({ mac: port.mac, network: "none" as const })), management_address: "10.73.0.1/24", officers_address: "10.73.2.1/23" };
    case "wifi": return { enabled: facts.radio, name: "", country: "IN" };
    case "custody": return { kind: facts.hsm ? "hsm" : "tpm" };
    case "administrators": return { administrators: [] };
    case "sharing": return { threshold: 3, shares: 5 };
  }
}

function Fields(props: { step: Step; facts: Schemas["SetupFacts"]; answer: Answer; onChange: (answer: Answer) => void; draft: Draft }) {
  const { t } = useTranslation();
  const { facts, onChange } = props;
  switch (props.step) {
    case "clock": {
      const clock = props.answer as Schemas["SetupClock"];
      return (
        <>
          <p>{t("setup.now")} <strong>{formats("en", "UTC").exact(facts.now_ts)}</strong></p>
          <TextField label={t("setup.time")} value={clock.time} onChange={(time) => onChange({ ...clock, time })} max={40} hint={t("setup.time_hint")} code />
          <Check label={t("setup.far")} value={clock.far ?? false} onChange={(far) => onChange({ ...clock, far })} />
        </>
      );
    }
    case "site": {
      const site = props.answer as Schemas["SetupSite"];
      return (
        <>
          <TextField label={t("setup.server_name")} value={site.server_name} onChange={(server_name) => onChange({ ...site, server_name, dns_name: site.dns_name === site.server_name ? server_name : site.dns_name })} max={253} hint={t("setup.server_name_hint")} code />
          <TextField label={t("setup.organisation")} value={site.organisation} onChange={(organisation) => onChange({ ...site, organisation })} max={64} />
          <TextField label={t("setup.dns_name")} value={site.dns_name} onChange={(dns_name) => onChange({ ...site, dns_name })} max={253} code />
          <Select label={t("settings.time_zone")} value={site.time_zone} onChange={(time_zone) => onChange({ ...site, time_zone })} options={Intl.supportedValuesOf("timeZone").concat(Intl.supportedValuesOf("timeZone").includes(site.time_zone) ? [] : [site.time_zone]).map((one) => [one, one] as const)} />
        </>
      );
    }
    case "network": {
      const network = props.answer as Schemas["SetupNetwork"];
      return (
        <>
          {network.ports.map((port, at) => {
            const fact = facts.ports.find((one) => one.mac === port.mac);
            return <Select key={port.mac} label={`${fact?.name ?? ""} ${port.mac}`} value={port.network} hint={t(fact?.link ? "setup.link" : "setup.no_link")}
              onChange={(value) => onChange({ ...network, ports: network.ports.map((one, index) => (index === at ? { ...one, network: value } : one)) })}
              options={(["management", "officers", "uplink", "none"] as const).map((one) => [one, t(`network.${one}`)] as const)} />;
          })}
          <TextField label={t("setup.management_address")} value={network.management_address} onChange={(management_address) => onChange({ ...network, management_address })} max={18} hint={t("setup.address_hint")} code />
          <TextField label={t("setup.officers_address")} value={network.officers_address} onChange={(officers_address) => onChange({ ...network, officers_address })} max={18} code />
        </>
      );
    }
    case "wifi": {
      const wifi = props.answer as Schemas["SetupWifi"];
      return (
        <>
          {!facts.radio && <Note><p>{t("setup.no_radio")}</p></Note>}
          <Check label={t("setup.wifi")} value={wifi.enabled} onChange={(enabled) => onChange({ ...wifi, enabled })} disabled={!facts.radio} />
          {wifi.enabled && <TextField label={t("setup.wifi_name")} value={wifi.name ?? ""} onChange={(name) => onChange({ ...wifi, name })} max={24} hint={t("setup.wifi_hint")} />}
        </>
      );
    }
    case "custody": {
      const custody = props.answer as Schemas["SetupCustody"];
      const kinds = [...(facts.tpm ? ["tpm" as const] : []), ...(facts.hsm ? ["hsm" as const] : []), ...(facts.tpm && facts.hsm ? ["tpm_and_hsm" as const] : [])];
      if (kinds.length === 0) return <Note tone="bad"><p>{t("setup.no_hardware")}</p></Note>;
      return (
        <>
          <Select label={t("custody.kind")} value={custody.kind} onChange={(kind) => onChange({ ...custody, kind })} options={kinds.map((one) => [one, t(`custody_kind.${one}`)] as const)} />
          {custody.kind !== "tpm" && <Select label={t("setup.token")} value={custody.hsm_label ?? ""} onChange={(hsm_label) => onChange({ ...custody, hsm_label })} options={[["", "–"], ...(facts.hsm_labels ?? []).map((one) => [one, one] as const)]} />}
        </>
      );
    }
    case "administrators":
      return <People value={(props.answer as Schemas["SetupAdministrators"]).administrators} rpId={props.draft.site?.dns_name} onChange={(administrators) => onChange({ administrators })} />;
    case "sharing":
      return <SharingFields value={props.answer as Schemas["Sharing"]} onChange={onChange} />;
  }
}

type Person = Schemas["SetupAdministrators"]["administrators"][number];

function People(props: { value: Person[]; rpId: string | undefined; onChange: (people: Person[]) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [roles, setRoles] = useState<Schemas["Role"][]>(["administrator"]);
  const [key, setKey] = useState<Schemas["AdministratorKey"]>();
  const [added, setAdded] = useState(0);
  const taken = props.value.some((one) => one.name === name.trim());
  const add = () => {
    if (!key) return;
    props.onChange([...props.value, { name: name.trim(), roles, key }]);
    setName("");
    setKey(undefined);
    setAdded(added + 1);
  };
  return (
    <div className="stack">
      {props.value.length < 2 && <Note tone="warn"><p>{t("setup.two_needed")}</p></Note>}
      <ul className="rows">
        {props.value.map((one) => (
          <li key={one.name} className="line spread"><span><strong>{one.name}</strong> {one.roles.map((role) => <Badge key={role}>{t(`role.${role}`)}</Badge>)}</span>
            <Button aria-label={t("act.remove_of", { name: one.name })} onPress={() => props.onChange(props.value.filter((other) => other !== one))}>{t("act.remove")}</Button></li>
        ))}
      </ul>
      <TextField label={t("field.name")} value={name} onChange={setName} max={64} problem={taken ? t("error.GIMS_APPROVAL_TAKEN") : undefined} />
      <RoleChecks value={roles} onChange={setRoles} />
      <AdministratorKey key={added} name={name.trim()} rpId={props.rpId} value={key} onChange={setKey} />
      <div className="line line-end"><Button isDisabled={!name.trim() || taken || roles.length === 0 || !key} onPress={add}>{t("setup.add_person")}</Button></div>
    </div>
  );
}

function Review(props: { setup: Setup }) {
  const { t } = useTranslation();
  const { draft, steps: all } = props.setup;
  const make = useAct(() => ask(api.POST("/setup/make")), { touches: ["setup", "jobs"] });
  const open = all.filter((one) => !one.done);
  return (
    <div className="stack">
      <h2>{t("setup_step.review")}</h2>
      <p>{t("setup.review_what")}</p>
      <Facts rows={[
        draft.site ? [t("setup.server_name"), <span className="mono">{draft.site.server_name}</span>] : undefined,
        draft.site ? [t("setup.organisation"), draft.site.organisation] : undefined,
        draft.network ? [t("setup.management_address"), <span className="mono">{draft.network.management_address}</span>] : undefined,
        draft.network ? [t("setup.officers_address"), <span className="mono">{draft.network.officers_address}</span>] : undefined,
        draft.wifi?.enabled ? [t("setup.wifi_name"), draft.wifi.name] : undefined,
        draft.custody ? [t("custody.kind"), t(`custody_kind.${draft.custody.kind}`)] : undefined,
        draft.administrators ? [t("nav.administrators"), draft.administrators.administrators.map((one) => one.name).join(", ")] : undefined,
        draft.sharing ? [t("custody.shares"), t("custody.shares_of", { threshold: draft.sharing.threshold, shares: draft.sharing.shares })] : undefined,
      ]} />
      {open.length > 0 && <Note tone="warn"><p>{t("setup.open_steps", { steps: open.map((one) => t(`setup_step.${one.step}`)).join(", ") })}</p></Note>}
      {make.error && <Failed error={make.error} />}
      <div className="line line-end"><Button kind="main" isDisabled={open.length > 0 || make.isPending} onPress={() => make.mutate(undefined)}>{t("setup.make")}</Button></div>
    </div>
  );
}

function Made(props: { made: Schemas["SetupMade"] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { made } = props;
  return (
    <div className="stack">
      <Note tone="good" title={t("setup.done")}><p>{t("setup.done_what")}</p></Note>
      <Facts rows={[
        [t("setup.console"), <a className="mono" href={made.console_url}>{made.console_url}</a>],
        [t("setup.clients"), <span className="mono">{made.base_url}</span>],
        [t("setup.root"), <span className="mono small">{made.site_root_sha256}</span>],
      ]} />
      <h2>{t("setup.invitations")}</h2>
      <Note tone="warn"><p>{t("administrators.invitation_once")}</p></Note>
      <ul className="rows">{made.invitations.map((one) => <li key={one.name}><strong>{one.name}</strong> <span className="mono">{one.code}</span><br /><span className="small soft">{t("administrators.invitation_until", { time: format.exact(one.expires_ts) })}</span></li>)}</ul>
      <div className="line line-end no-print"><Button kind="main" onPress={() => window.print()}>{t("slips.print")}</Button></div>
    </div>
  );
}
