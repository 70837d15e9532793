// Where the keys are and whether this is what was released: for the security officer.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, Select } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { Badge, Facts, Failed, Loaded, Note, Page, Sheet, type Tone } from "../ui/parts";
import { CeremonySheet, useCeremony } from "./ceremony";
import { saveText } from "./save";
import { usePropose } from "./shared";

const tones: Record<Schemas["Custody"]["state"], Tone> = { operational: "good", locked: "bad", unprovisioned: "warn", zeroized: "bad" };
const day = 86_400_000;

export default function Custody() {
  const { t } = useTranslation();
  const may = useMay();
  const query = useQuery({ queryKey: ["custody"], queryFn: () => ask(api.GET("/custody")), refetchInterval: 30_000 });
  const ceremony = useCeremony();
  const [confirm, askFor] = useConfirm();
  const [resharing, setResharing] = useState(false);
  const propose = usePropose();
  const quote = useAct(() => ask(api.POST("/custody/quote")), { touches: ["custody"], onDone: (made) => saveText(`gims-evidence-${made.ts}.json`, made.evidence) });
  const begin = useAct((body: Schemas["CeremonyRequest"]) => ask(api.POST("/ceremony", { body })), { touches: ["ceremony"], onDone: () => setResharing(false) });
  const going = Boolean(ceremony.data);
  return (
    <Page title={t("nav.custody")} about={t("custody.about")} acts={may("takeQuote") && <Button isDisabled={quote.isPending} onPress={() => quote.mutate(undefined)}>{t("custody.quote")}</Button>}>
      {confirm}
      {quote.error && <Failed error={quote.error} />}
      {may("beginCeremony") && <CeremonySheet />}
      <Loaded query={query}>{(custody) => (
        <>
          {custody.reason && <Note tone={custody.state === "operational" ? "warn" : "bad"} title={t(`site_state.${custody.state}`)}><p lang="en" dir="ltr">{custody.reason}</p></Note>}
          <div className="grid grid-wide">
            <State custody={custody} />
            <Sheet title={t("custody.certificates")}>
              <Certificate name={t("custody.site_root")} of={custody.site_root} early={365} />
              <Certificate name={t("custody.issuing_ca")} of={custody.issuing_ca} early={90} />
              <Certificate name={t("custody.leaf")} of={custody.leaf} early={0} />
              {may("beginCeremony") && !going && <div className="line line-end"><Button onPress={() => askFor({ title: t("custody.renew_ca"), what: t("custody.renew_ca_what"), action: t("ceremony.begin"), run: () => begin.mutateAsync({ kind: "renew_ca" }) })}>{t("custody.renew_ca")}</Button></div>}
            </Sheet>
          </div>
          <Pcrs custody={custody} />
          <div className="grid grid-wide">
            <Recovery custody={custody} acts={may("beginCeremony") && !going && <Button onPress={() => setResharing(true)}>{t("custody.reshare")}</Button>} />
            {may("propose") && (
              <Sheet title={t("custody.zeroize")}>
                <p>{t("custody.zeroize_what")}</p>
                <div className="line line-end"><Button kind="danger" onPress={() => askFor({ title: t("custody.zeroize"), what: t("custody.zeroize_what"), action: t("act.propose"), danger: true, typed: "ZEROIZE", run: () => propose.mutateAsync({ action: "zeroize", files_only: false }) })}>{t("custody.zeroize")}</Button></div>
              </Sheet>
            )}
          </div>
        </>
      )}</Loaded>
      {resharing && <Reshare busy={begin.isPending} error={begin.error} onClose={() => setResharing(false)} onBegin={(sharing) => begin.mutate({ kind: "reshare", sharing })} />}
    </Page>
  );
}

function State(props: { custody: Schemas["Custody"] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { custody } = props;
  return (
    <Sheet title={t("custody.keys")}>
      <Facts rows={[
        [t("field.state"), <Badge tone={tones[custody.state]}>{t(`site_state.${custody.state}`)}</Badge>],
        [t("custody.kind"), t(`custody_kind.${custody.kind}`)],
        custody.tpm ? [t("custody_kind.tpm"), <span lang="en" dir="ltr">{custody.tpm.manufacturer} {custody.tpm.model} · {custody.tpm.firmware}</span>] : undefined,
        custody.hsm ? [t("custody_kind.hsm"), <span lang="en" dir="ltr">{custody.hsm.manufacturer} · {custody.hsm.label} · {custody.hsm.serial}</span>] : undefined,
        [t("custody.attended"), custody.attended ? custody.persons.map((person) => `${person.name} (${t(`person_kind.${person.kind}`)})`).join(", ") : t("state.no")],
        [t("custody.release"), t("custody.release_of", { running: custody.release.running, newest: custody.release.newest })],
        [t("custody.counter"), format.number(custody.counter)],
        [t("custody.last_quote"), custody.last_quote_ts ? format.exact(custody.last_quote_ts) : t("state.never")],
      ]} />
    </Sheet>
  );
}

function Certificate(props: { name: string; of: Schemas["Certificate"] | undefined; early: number }) {
  const { t } = useTranslation();
  const format = useFormats();
  if (!props.of) return null;
  const left = props.of.not_after_ts - Date.now();
  const tone: Tone = left < 0 ? "bad" : left < props.early * day ? "warn" : "good";
  return (
    <div className="stack-tight">
      <div className="line spread"><h3>{props.name}</h3><Badge tone={tone}>{t(left < 0 ? "custody.ended" : "custody.until", { time: format.time(props.of.not_after_ts) })}</Badge></div>
      <p className="small mono soft">{props.of.sha256}</p>
    </div>
  );
}

function Pcrs(props: { custody: Schemas["Custody"] }) {
  const { t } = useTranslation();
  const { pcrs } = props.custody;
  if (pcrs.length === 0) return null;
  return (
    <Sheet title={t("custody.pcrs")}>
      <p className="soft">{t("custody.pcrs_what")}</p>
      <div className="scroll-x" tabIndex={0} role="region" aria-label={t("custody.pcrs")}>
        <table className="plain-table">
          <thead><tr><th scope="col">PCR</th><th scope="col">{t("custody.pcr_meaning")}</th><th scope="col">{t("field.state")}</th><th scope="col">{t("custody.pcr_value")}</th></tr></thead>
          <tbody>
            {pcrs.map((pcr) => (
              <tr key={pcr.index}>
                <th scope="row">{pcr.index}</th>
                <td>{pcr.meaning ? t(`pcr.${pcr.meaning}`) : "–"}</td>
                <td><Badge tone={pcr.matches ? "good" : "bad"}>{t(pcr.matches ? "custody.as_expected" : "custody.other")}</Badge></td>
                <td><span className="mono small">{pcr.value}</span>{!pcr.matches && pcr.expected && <><br /><span className="small">{t("custody.expected")} </span><span className="mono small">{pcr.expected}</span></>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Sheet>
  );
}

function Recovery(props: { custody: Schemas["Custody"]; acts: React.ReactNode }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { recovery } = props.custody;
  return (
    <Sheet title={t("custody.recovery")} acts={props.acts}>
      {recovery ? (
        <Facts rows={[
          [t("custody.shares"), t("custody.shares_of", { threshold: recovery.threshold, shares: recovery.shares })],
          [t("custody.generation"), format.number(recovery.generation)],
          [t("custody.shared"), recovery.shared_ts ? format.time(recovery.shared_ts) : "–"],
          [t("custody.recovery_file"), recovery.recovery_file_ts ? format.time(recovery.recovery_file_ts) : t("state.never")],
        ]} />
      ) : <p className="soft">{t("custody.no_recovery")}</p>}
    </Sheet>
  );
}

export function SharingFields(props: { value: Schemas["Sharing"]; onChange: (value: Schemas["Sharing"]) => void }) {
  const { t } = useTranslation();
  const { value } = props;
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => [String(from + at), String(from + at)] as const);
  return (
    <div className="line">
      <Select label={t("custody.threshold")} value={String(value.threshold)} onChange={(text) => props.onChange({ ...value, threshold: Number(text) })} options={numbers(2, value.shares)} />
      <Select label={t("custody.of_shares")} value={String(value.shares)} onChange={(text) => props.onChange({ shares: Number(text), threshold: Math.min(value.threshold, Number(text)) })} options={numbers(2, 16)} />
    </div>
  );
}

function Reshare(props: { busy: boolean; error: unknown; onClose: () => void; onBegin: (sharing: Schemas["Sharing"]) => void }) {
  const { t } = useTranslation();
  const [sharing, setSharing] = useState<Schemas["Sharing"]>({ threshold: 3, shares: 5 });
  return (
    <Dialog title={t("custody.reshare")} onClose={props.onClose}>
      <p>{t("custody.reshare_what")}</p>
      <SharingFields value={sharing} onChange={setSharing} />
      {props.error ? <Failed error={props.error} /> : null}
      <div className="line line-end"><Button onPress={props.onClose}>{t("act.cancel")}</Button><Button kind="main" isDisabled={props.busy} onPress={() => props.onBegin(sharing)}>{t("ceremony.begin")}</Button></div>
    </Dialog>
  );
}
