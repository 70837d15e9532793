// Backups: made by two persons, checked and tried, restored by the recovery quorum.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { base } from "../generated/contract";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button } from "../ui/controls";
import { useConfirm } from "../ui/dialogs";
import { Badge, Empty, Facts, Failed, Loaded, Note, Page, Sheet } from "../ui/parts";
import { JobLine, useJobs } from "./jobs";
import { usePropose } from "./shared";
import { UploadFile } from "./upload";

const week = 7 * 86_400_000;

export default function Backups() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [confirm, askFor] = useConfirm();
  const query = useQuery({ queryKey: ["backups"], queryFn: () => ask(api.GET("/backups")) });
  const media = useQuery({ queryKey: ["media"], queryFn: () => ask(api.GET("/media")), refetchInterval: 10_000 });
  const jobs = useJobs("backup", "backup_verify", "backup_test", "restore");
  const propose = usePropose();
  const adopt = useAct((body: Schemas["Adopt"]) => ask(api.POST("/backups", { body })), { touches: ["backups"] });
  const make = (to: "file" | "usb") => askFor({ title: t("backups.make"), what: t(to === "usb" ? "backups.make_usb_what" : "backups.make_what"), action: t("act.propose"), run: () => propose.mutateAsync({ action: "backup_export", to }) });
  const sticks = media.data?.media ?? [];
  return (
    <Page title={t("nav.backups")} about={t("backups.about")} acts={may("propose") && (
      <>
        <Button isDisabled={sticks.length === 0} onPress={() => make("usb")}>{t("backups.to_usb")}</Button>
        <Button kind="main" onPress={() => make("file")}>{t("backups.make")}</Button>
      </>
    )}>
      {confirm}
      {jobs.map((job) => <JobLine key={job.job_id} job={job} />)}
      <Loaded query={query}>{({ backups, last_ts }) => (
        <>
          {(last_ts === undefined || last_ts < Date.now() - week) && <Note tone="warn"><p>{t("backups.old")}</p></Note>}
          {backups.length === 0 ? <div className="sheet"><Empty>{t("backups.none")}</Empty></div> : backups.map((backup) => <Card key={backup.backup_id} backup={backup} askFor={askFor} />)}
        </>
      )}</Loaded>
      <div className="grid grid-wide">
        <Sheet title={t("backups.sticks")}>
          {media.error && <Failed error={media.error} />}
          {sticks.length === 0 ? <p className="soft">{t("backups.no_stick")}</p> : (
            <ul className="rows">{sticks.map((stick) => (
              <li key={stick.medium_id} className="line spread"><span><strong>{stick.label}</strong> <span className="small soft">{t("backups.free", { free: format.bytes(stick.free), size: format.bytes(stick.size) })}</span></span>
                {may("adoptBackup") && <Button onPress={() => adopt.mutate({ medium_id: stick.medium_id })}>{t("backups.read_stick")}</Button>}</li>
            ))}</ul>
          )}
          {adopt.error && <Failed error={adopt.error} />}
        </Sheet>
        {may("beginUpload") && (
          <Sheet title={t("backups.upload")}>
            <UploadFile kind="backup" label={t("backups.file")} hint={t("backups.file_hint")} onDone={(upload) => adopt.mutate({ upload_id: upload.upload_id })} />
          </Sheet>
        )}
      </div>
    </Page>
  );
}

function Card(props: { backup: Schemas["Backup"]; askFor: ReturnType<typeof useConfirm>[1] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const { backup, askFor } = props;
  const params = { path: { backupId: backup.backup_id } };
  const propose = usePropose();
  const verify = useAct(() => ask(api.POST("/backups/{backupId}/verify", { params })), { touches: ["jobs"] });
  const test = useAct(() => ask(api.POST("/backups/{backupId}/test", { params })), { touches: ["jobs"] });
  const drop = useAct(() => ask(api.DELETE("/backups/{backupId}", { params })), { touches: ["backups"] });
  const error = verify.error ?? test.error;
  return (
    <Sheet title={<span className="mono">{backup.backup_id}</span>} acts={<Badge tone={backup.tested_ts ? "good" : backup.verified_ts ? "neutral" : "warn"}>{t(backup.tested_ts ? "backups.tested" : backup.verified_ts ? "backups.verified" : "backups.unverified")}</Badge>}>
      <Facts rows={[
        [t("field.created"), format.time(backup.made_ts)],
        [t("backups.where"), t(`backup_where.${backup.where}`)],
        [t("backups.size"), format.bytes(backup.size)],
        [t("backups.generation"), t("backups.generation_what", { generation: backup.generation })],
        [t("backups.verified_at"), backup.verified_ts ? format.time(backup.verified_ts) : t("state.never")],
        [t("backups.tested_at"), backup.tested_ts ? format.time(backup.tested_ts) : t("state.never")],
        backup.made_by?.length ? [t("field.by"), backup.made_by.join(", ")] : undefined,
        backup.sha256 ? ["SHA-256", <span className="mono small">{backup.sha256}</span>] : undefined,
      ]} />
      {error && <Failed error={error} />}
      <div className="line line-end">
        {may("downloadBackup") && backup.where === "unit" && <a className="button" href={`${base}/backups/${encodeURIComponent(backup.backup_id)}/file`} download>{t("backups.download")}</a>}
        {may("verifyBackup") && <Button onPress={() => verify.mutate(undefined)}>{t("backups.verify")}</Button>}
        {may("testBackup") && <Button onPress={() => test.mutate(undefined)}>{t("backups.test")}</Button>}
        {may("propose") && <Button kind="danger" onPress={() => askFor({ title: t("backups.restore"), what: t("backups.restore_what"), action: t("act.propose"), danger: true, typed: backup.backup_id, run: () => propose.mutateAsync({ action: "backup_restore", backup_id: backup.backup_id }) })}>{t("backups.restore")}</Button>}
        {may("deleteBackup") && backup.where === "unit" && <Button kind="danger" onPress={() => askFor({ title: t("backups.delete"), what: t("backups.delete_what"), action: t("backups.delete"), danger: true, run: () => drop.mutateAsync(undefined) })}>{t("backups.delete")}</Button>}
      </div>
    </Sheet>
  );
}
