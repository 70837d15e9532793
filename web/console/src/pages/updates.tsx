// Releases: what runs, what the other slot has, and what could be installed, with its signature shown first.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button } from "../ui/controls";
import { useConfirm } from "../ui/dialogs";
import { Badge, Facts, Failed, Loaded, Page, Sheet, type Tone } from "../ui/parts";
import { JobLine, useJobs } from "./jobs";
import { UploadFile } from "./upload";

const tones: Record<Schemas["Release"]["standing"], Tone> = { good: "good", clean: "good", indeterminate: "warn", bad: "bad", empty: "neutral" };

export default function Updates() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [confirm, askFor] = useConfirm();
  const query = useQuery({ queryKey: ["updates"], queryFn: () => ask(api.GET("/updates")) });
  const jobs = useJobs("update", "update_check");
  const check = useAct((body: Schemas["UpdateCheck"]) => ask(api.POST("/updates/check", { body })), { touches: ["jobs", "updates"] });
  const install = useAct((candidate_id: string) => ask(api.POST("/updates/install", { body: { candidate_id } })), { touches: ["jobs"] });
  return (
    <Page title={t("nav.updates")} about={t("updates.about")} acts={may("checkUpdate") && <Button onPress={() => check.mutate({ source: "usb" })}>{t("updates.look_stick")}</Button>}>
      {confirm}
      {check.error && <Failed error={check.error} />}
      {jobs.map((job) => <JobLine key={job.job_id} job={job} />)}
      <Loaded query={query}>{({ releases, candidates }) => (
        <>
          <div className="grid grid-wide">
            {releases.map((release) => (
              <Sheet key={release.slot} title={t("updates.slot", { slot: release.slot.toUpperCase() })} acts={release.running && <Badge tone="good">{t("updates.runs")}</Badge>}>
                <Facts rows={[
                  [t("updates.version"), <span className="mono">{release.version}</span>],
                  [t("updates.number"), format.number(release.number)],
                  [t("field.state"), <Badge tone={tones[release.standing]}>{t(`release.${release.standing}`)}</Badge>],
                  release.built_ts ? [t("updates.built"), format.day(release.built_ts)] : undefined,
                ]} />
              </Sheet>
            ))}
          </div>
          {candidates.map((one) => (
            <Sheet key={one.candidate_id} title={t("updates.candidate", { version: one.version })} acts={<Badge tone={one.installable ? "good" : "bad"}>{t(one.installable ? "updates.installable" : "updates.not_installable")}</Badge>}>
              <Facts rows={[
                [t("updates.source"), t(`update_source.${one.source}`)],
                [t("updates.signature"), <><Badge tone={one.signature === "good" ? "good" : "bad"}>{t(`signature.${one.signature}`)}</Badge> <span className="small soft mono">{one.signed_by}</span></>],
                [t("updates.whole"), t(one.whole ? "state.yes" : "state.no")],
                [t("updates.newer"), t(one.newer ? "state.yes" : "state.no")],
                one.size ? [t("backups.size"), format.bytes(one.size)] : undefined,
                one.notes ? [t("updates.notes"), <span lang="en" dir="ltr">{one.notes}</span>] : undefined,
              ]} />
              {one.text && <p className="small" lang="en" dir="ltr">{one.text}</p>}
              {one.installable && may("installUpdate") && <div className="line line-end"><Button kind="danger-main" onPress={() => askFor({
                title: t("updates.install_title", { version: one.version }), what: t("updates.install_what"), action: t("updates.install"), danger: true, run: () => install.mutateAsync(one.candidate_id) })}>{t("updates.install")}</Button></div>}
            </Sheet>
          ))}
        </>
      )}</Loaded>
      {may("beginUpload") && (
        <Sheet title={t("updates.upload")}>
          <UploadFile kind="update" label={t("updates.file")} hint={t("updates.file_hint")} onDone={(upload) => check.mutate({ source: "upload", upload_id: upload.upload_id })} />
        </Sheet>
      )}
    </Page>
  );
}
