// The record of every administrative act: filtered, looked into, verified here and by the unit, taken away.
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button as AriaButton } from "react-aria-components";
import { api, ask, type Schemas } from "../api/client";
import { follow, start } from "../api/audit-chain";
import { base } from "../generated/contract";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, TextField } from "../ui/controls";
import { Dialog } from "../ui/dialogs";
import { List, useRows, type Column } from "../ui/list";
import { Facts, Failed, Note, Page } from "../ui/parts";
import { useLate } from "./late";

type Entry = Schemas["AuditEntry"];

export default function Audit() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [actor, actorTyped, setActor] = useLate("");
  const [act, actTyped, setAct] = useLate("");
  const [target, targetTyped, setTarget] = useLate("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [shown, setShown] = useState<Entry>();
  const fromTs = from ? Date.parse(`${from}T00:00`) : NaN;
  const toTs = to ? Date.parse(`${to}T23:59:59.999`) : NaN;
  const filter = {
    ...(actor ? { actor } : {}), ...(act ? { act } : {}), ...(target ? { target } : {}),
    ...(Number.isNaN(fromTs) ? {} : { from: fromTs }), ...(Number.isNaN(toTs) ? {} : { to: toTs }),
  };
  const rows = useRows<Entry>(["audit", filter], async (before) => {
    const page = await ask(api.GET("/audit", { params: { query: { limit: 200, order: "newest", ...(before !== undefined ? { before: Number(before) } : {}), ...filter } } }));
    return { rows: page.entries, next: page.next };
  });
  const columns: Column<Entry>[] = [
    { key: "number", head: t("audit.number"), width: "5rem", cell: (entry) => <AriaButton className="button button-quiet link-like" aria-label={t("audit.entry", { number: entry.sequence })} onPress={() => setShown(entry)}>{format.number(entry.sequence)}</AriaButton> },
    { key: "when", head: t("field.when"), width: "13rem", cell: (entry) => format.exact(entry.ts) },
    { key: "who", head: t("audit.who"), width: "minmax(10rem, 1fr)", cell: (entry) => <span className="two-lines"><span>{entry.actor}</span><span className="small soft">{entry.origin}</span></span> },
    { key: "act", head: t("audit.act"), width: "minmax(10rem, 1fr)", cell: (entry) => <span className="mono">{entry.act}</span> },
    { key: "target", head: t("audit.target"), width: "minmax(12rem, 2fr)", cell: (entry) => <span className="mono">{entry.target}</span> },
  ];
  const csv = `${base}/audit/export.csv?${new URLSearchParams(Object.entries(filter).map(([key, value]) => [key, String(value)]))}`;
  return (
    <Page title={t("nav.audit")} about={t("audit.about")} acts={may("exportAudit") && (
      <>
        <a className="button" href={csv} download>{t("audit.export_csv")}</a>
        <a className="button" href={`${base}/audit/export.json`} download>{t("audit.export_json")}</a>
      </>
    )}>
      <Verify />
      <div className="filters" role="search">
        <TextField label={t("audit.who")} value={actorTyped} onChange={setActor} max={256} />
        <TextField label={t("audit.act")} value={actTyped} onChange={setAct} max={64} code />
        <TextField label={t("audit.target")} value={targetTyped} onChange={setTarget} max={512} code />
        <DateField label={t("audit.from")} value={from} onChange={setFrom} />
        <DateField label={t("audit.to")} value={to} onChange={setTo} />
      </div>
      <List label={t("nav.audit")} of={rows} columns={columns} rowKey={(entry) => String(entry.sequence)} empty={t("audit.none")} />
      {shown && <Shown entry={shown} onClose={() => setShown(undefined)} />}
    </Page>
  );
}

function DateField(props: { label: string; value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <div className="field field-date">
      <label htmlFor={id}>{props.label}</label>
      <input id={id} type="date" value={props.value} onChange={(event) => props.onChange(event.target.value)} />
    </div>
  );
}

function Shown(props: { entry: Entry; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { entry } = props;
  const { before, after, ...rest } = entry.detail as { before?: unknown; after?: unknown };
  const text = (value: unknown) => <pre className="mono small" dir="ltr" tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>;
  return (
    <Dialog title={t("audit.entry", { number: format.number(entry.sequence) })} wide onClose={props.onClose}>
      <Facts rows={[
        [t("field.when"), format.exact(entry.ts)], [t("audit.who"), entry.actor], [t("audit.origin"), entry.origin],
        [t("audit.act"), <span className="mono">{entry.act}</span>], [t("audit.target"), <span className="mono">{entry.target}</span>],
        before === undefined ? undefined : [t("audit.before"), text(before)],
        after === undefined ? undefined : [t("audit.after"), text(after)],
        Object.keys(rest).length ? [t("audit.detail"), text(rest)] : undefined,
        [t("audit.hash"), <span className="mono small">{entry.hash}</span>],
      ]} />
      <div className="line line-end"><Button onPress={props.onClose}>{t("act.close")}</Button></div>
    </Dialog>
  );
}

// The chain is computed in this browser over all entries, and the unit holds its newest against gims-keyd.
function Verify() {
  const { t } = useTranslation();
  const format = useFormats();
  const [read, setRead] = useState(0);
  const verify = useAct(async () => {
    const chain = start();
    let after = 0;
    for (;;) {
      const page = await ask(api.GET("/audit", { params: { query: { after, limit: 500 } } }));
      const wrong = await follow(chain, page.entries);
      if (wrong !== undefined) return { wrong, unit: undefined, entries: chain.next - 1 };
      setRead(chain.next - 1);
      if (page.next === undefined) break;
      after = page.next;
    }
    return { wrong: undefined, unit: await ask(api.POST("/audit/verify")), entries: chain.next - 1 };
  });
  const result = verify.data;
  return (
    <section className="sheet" aria-live="polite">
      <div className="line spread">
        <p className="grow">{t("audit.verify_what")}</p>
        <Button isDisabled={verify.isPending} onPress={() => { setRead(0); verify.mutate(undefined); }}>{t("audit.verify")}</Button>
      </div>
      {verify.isPending && <p className="busy">{t("audit.verifying", { count: format.number(read) })}</p>}
      {verify.error && <Failed error={verify.error} />}
      {result?.wrong !== undefined && <Note tone="bad" title={t("audit.broken", { number: format.number(result.wrong) })}><p>{t("audit.broken_what")}</p></Note>}
      {result?.unit && (result.unit.intact
        ? <Note tone={result.unit.witnessed ? "good" : "warn"} title={t("audit.intact", { count: format.number(result.entries) })}><p>{t(result.unit.witnessed ? "audit.witnessed" : "audit.not_witnessed")}</p></Note>
        : <Note tone="bad" title={t("audit.unit_broken")}><p lang="en" dir="ltr">{result.unit.text}</p><p>{t("audit.broken_what")}</p></Note>)}
    </section>
  );
}
