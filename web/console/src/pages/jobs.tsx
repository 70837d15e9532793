// Work of the unit that takes its time, with how far it is.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, Progress } from "../ui/controls";
import { Badge, Note, type Tone } from "../ui/parts";

type Job = Schemas["Job"];
const tones: Record<Job["state"], Tone> = { running: "neutral", done: "good", failed: "bad", cancelled: "warn" };

export function useJobs(...kinds: Job["kind"][]): Job[] {
  const query = useQuery({
    queryKey: ["jobs"],
    queryFn: () => ask(api.GET("/jobs")),
    refetchInterval: (state) => (state.state.data?.jobs.some((job) => job.state === "running") ? 1_000 : 30_000),
  });
  return query.data?.jobs.filter((job) => kinds.includes(job.kind)) ?? [];
}

export function JobLine(props: { job: Job }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const { job } = props;
  const cancel = useAct((jobId: string) => ask(api.DELETE("/jobs/{jobId}", { params: { path: { jobId } } })), { touches: ["jobs"] });
  return (
    <Note tone={tones[job.state]}>
      <div className="line spread">
        <strong>{t(`job.${job.kind}`)}</strong>
        <Badge tone={tones[job.state]}>{t(`job_state.${job.state}`)}</Badge>
        <span className="small soft">{t("job.by", { name: job.started_by, time: format.time(job.started_ts) })}</span>
        {job.state === "running" && may("cancelJob") && <Button isDisabled={cancel.isPending} onPress={() => cancel.mutate(job.job_id)}>{t("act.stop")}</Button>}
      </div>
      {job.state === "running" && <Progress label={job.step} done={job.done} of={job.of} />}
      {job.text && <p className="small" lang="en" dir="ltr">{job.text}</p>}
    </Note>
  );
}
