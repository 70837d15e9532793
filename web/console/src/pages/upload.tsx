// Sending a large file in pieces, in order, with how far it is; what is broken off begins again where the unit has it.
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useAct } from "../session/session";
import { Button, Progress } from "../ui/controls";
import { Failed } from "../ui/parts";

export function UploadFile(props: { kind: "update" | "backup"; label: string; hint: string; onDone: (upload: Schemas["Upload"]) => void }) {
  const { t } = useTranslation();
  const [sent, setSent] = useState<{ done: number; of: number }>();
  const stopped = useRef(false);
  const send = useAct(async (file: File) => {
    stopped.current = false;
    let upload = await ask(api.POST("/uploads", { body: { kind: props.kind, name: file.name, size: file.size } }));
    const path = { path: { uploadId: upload.upload_id } };
    while (upload.received < file.size && !stopped.current) {
      setSent({ done: upload.received, of: file.size });
      const piece = file.slice(upload.received, upload.received + upload.chunk);
      upload = await ask(api.PUT("/uploads/{uploadId}", {
        params: { ...path, query: { offset: upload.received } }, body: piece as unknown as string, bodySerializer: (body) => body, headers: { "Content-Type": "application/octet-stream" },
      }));
    }
    setSent(undefined);
    if (stopped.current) {
      await ask(api.DELETE("/uploads/{uploadId}", { params: path }));
      return undefined;
    }
    return upload;
  }, { onDone: (upload) => upload && props.onDone(upload) });
  const id = `upload-${props.kind}`;
  return (
    <div className="stack-tight">
      <div className="field">
        <label htmlFor={id}>{props.label}</label>
        <input id={id} type="file" disabled={send.isPending} onChange={(event) => { const file = event.target.files?.[0]; if (file) send.mutate(file); event.target.value = ""; }} />
        <span className="small soft">{props.hint}</span>
      </div>
      {sent && <div className="line"><div className="grow"><Progress label={t("upload.sending")} done={sent.done} of={sent.of} /></div><Button onPress={() => { stopped.current = true; }}>{t("act.stop")}</Button></div>}
      {send.error && <Failed error={send.error} />}
    </div>
  );
}
