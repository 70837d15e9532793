// What officers reported.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, Select } from "../ui/controls";
import { useConfirm } from "../ui/dialogs";
import { List, useRows, type Column } from "../ui/list";
import { Badge, Page } from "../ui/parts";
import { localpart } from "./shared";

type Report = Schemas["ReportSummary"];

export default function Reports() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [state, setState] = useState<Report["state"] | "">("open");
  const [confirm, askFor] = useConfirm();
  const rows = useRows<Report>(["reports", state], async (after) => {
    const page = await ask(api.GET("/reports", { params: { query: { limit: 100, ...(after !== undefined ? { after: String(after) } : {}), ...(state ? { state } : {}) } } }));
    return { rows: page.reports, next: page.next, total: page.total };
  });
  const close = useAct((input: { reportId: number; note: string }) => ask(api.POST("/reports/{reportId}/close", { params: { path: { reportId: input.reportId } }, body: { note: input.note } })), { touches: ["reports"] });
  const officer = (id: string) => <Link to={`/officers/${encodeURIComponent(id)}`}>{localpart(id)}</Link>;
  const columns: Column<Report>[] = [
    { key: "when", head: t("field.when"), width: "11.5rem", cell: (report) => format.time(report.ts) },
    { key: "by", head: t("reports.by"), width: "minmax(9rem, 1fr)", cell: (report) => officer(report.reporter) },
    { key: "about", head: t("reports.about_what"), width: "minmax(12rem, 1.5fr)", cell: (report) => (
      <span className="two-lines">
        <span>{t(`report_about.${report.about}`)}{report.user_id && <>: {officer(report.user_id)}</>}</span>
        {report.room_id && <Link className="small" to={`/rooms/${encodeURIComponent(report.room_id)}`}>{report.room_name ?? report.room_id}</Link>}
      </span>
    ) },
    { key: "reason", head: t("field.reason"), width: "minmax(14rem, 2fr)", cell: (report) => report.reason ?? "–" },
    { key: "state", head: t("field.state"), width: "9rem", cell: (report) => <Badge tone={report.state === "open" ? "warn" : "good"}>{t(`report_state.${report.state}`)}</Badge> },
    { key: "act", head: t("officer.acts"), width: "11rem", cell: (report) => (report.state === "open" && may("closeReport")
      ? <Button aria-label={t("reports.close_of", { id: report.report_id })} onPress={() => askFor({ title: t("reports.close"), what: t("reports.close_what"), action: t("reports.close"), reason: "required", run: (note) => close.mutateAsync({ reportId: report.report_id, note }) })}>{t("reports.close")}</Button>
      : report.note && <span className="small">{report.note}</span>) },
  ];
  return (
    <Page title={t("nav.reports")} about={t("reports.about")}>
      {confirm}
      <div className="filters"><Select label={t("field.state")} value={state} onChange={setState} options={[["", t("filter.all")], ["open", t("report_state.open")], ["closed", t("report_state.closed")]]} /></div>
      <List label={t("nav.reports")} of={rows} columns={columns} rowKey={(report) => String(report.report_id)} empty={t("reports.none")} />
    </Page>
  );
}
