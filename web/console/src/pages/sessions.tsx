// Who is signed in to the console, and from where.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useSession } from "../session/session";
import { Button } from "../ui/controls";
import { useConfirm } from "../ui/dialogs";
import { Badge, Facts, Loaded, Page, Sheet } from "../ui/parts";

export default function Sessions() {
  const { t } = useTranslation();
  const format = useFormats();
  const { session } = useSession();
  const [confirm, askFor] = useConfirm();
  const query = useQuery({ queryKey: ["sessions"], queryFn: () => ask(api.GET("/sessions")), refetchInterval: 30_000 });
  const end = useAct((sessionId: string) => ask(api.DELETE("/sessions/{sessionId}", { params: { path: { sessionId } } })), { touches: ["sessions"] });
  return (
    <Page title={t("nav.sessions")} about={t("sessions.about")}>
      {confirm}
      <Loaded query={query}>{({ sessions }) => (
        <div className="grid grid-wide">
          {sessions.map((one) => (
            <Sheet key={one.session_id} title={one.name} acts={one.current && <Badge tone="good">{t("sessions.this")}</Badge>}>
              <Facts rows={[
                [t("field.address"), <span className="mono">{one.origin}</span>],
                [t("sessions.browser"), <span lang="en" dir="ltr">{one.agent}</span>],
                [t("sessions.factor"), t(`factor.${one.factor}`)],
                [t("sessions.since"), format.time(one.signed_in_ts)],
                [t("field.last_seen"), format.time(one.last_seen_ts)],
                [t("sessions.until"), format.time(one.expires_ts)],
              ]} />
              {!one.current && (one.name === session?.name || session?.roles.includes("administrator")) && (
                <div className="line line-end"><Button kind="danger" onPress={() => askFor({ title: t("sessions.end"), what: t("sessions.end_what"), action: t("sessions.end"), danger: true, run: () => end.mutateAsync(one.session_id) })}>{t("sessions.end")}</Button></div>
              )}
            </Sheet>
          ))}
        </div>
      )}</Loaded>
    </Page>
  );
}
