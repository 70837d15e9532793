// Officers from a CSV file: read, shown with every mistake, and only then made.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct } from "../session/session";
import { Button, Check, LinkButton } from "../ui/controls";
import { List, useRows, type Column } from "../ui/list";
import { Badge, Failed, Figure, Needs, Note, Page, Sheet } from "../ui/parts";

const longest = 4 * 1024 * 1024;
type Row = Schemas["ImportRow"];

export default function Import() {
  const { t } = useTranslation();
  return (
    <Page title={t("import.title")} about={<Link to="/officers">{t("nav.officers")}</Link>}>
      <Needs operation="previewImport"><Steps /></Needs>
    </Page>
  );
}

function Steps() {
  const { t } = useTranslation();
  const format = useFormats();
  const [preview, setPreview] = useState<Schemas["ImportPreview"]>();
  const [done, setDone] = useState<Schemas["ImportDone"]>();
  const [long, setLong] = useState(false);
  const read = useAct(async (file: File) => {
    const text = await file.text();
    return ask(api.POST("/imports", { body: text, bodySerializer: (body) => body, headers: { "Content-Type": "text/csv" } }));
  }, { onDone: setPreview });
  if (done) {
    return (
      <Note tone="good" title={t("import.done", { count: format.number(done.made) })}>
        {done.errors.length > 0 && <p>{t("import.left", { count: format.number(done.errors.length) })}</p>}
        <div className="line"><LinkButton to="/slips" kind="main">{t("import.next")}</LinkButton><LinkButton to="/officers">{t("nav.officers")}</LinkButton></div>
      </Note>
    );
  }
  if (preview) return <Preview preview={preview} onDone={setDone} onAgain={() => setPreview(undefined)} />;
  return (
    <Sheet title={t("import.choose")}>
      <p>{t("import.what")}</p>
      <p className="mono small" lang="en">localpart,display_name,unit,designation,employee_id,phone</p>
      <div className="field">
        <label htmlFor="csv">{t("import.file")}</label>
        <input id="csv" type="file" accept=".csv,text/csv" onChange={(event) => {
          const file = event.target.files?.[0];
          setLong((file?.size ?? 0) > longest);
          if (file && file.size <= longest) read.mutate(file);
        }} />
      </div>
      {read.isPending && <p className="busy">{t("state.loading")}</p>}
      {long && <Note tone="bad" role="alert"><p>{t("import.long", { most: format.bytes(longest) })}</p></Note>}
      {read.error && <Failed error={read.error} />}
    </Sheet>
  );
}

function Preview(props: { preview: Schemas["ImportPreview"]; onDone: (done: Schemas["ImportDone"]) => void; onAgain: () => void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { preview } = props;
  const [bad, setBad] = useState(preview.bad > 0);
  const path = { path: { importId: preview.import_id } };
  const rows = useRows<Row>(["import", preview.import_id, bad], async (after) => {
    const page = await ask(api.GET("/imports/{importId}/rows", { params: { ...path, query: { limit: 200, ...(after !== undefined ? { after: String(after) } : {}), ...(bad ? { only: "bad" as const } : {}) } } }));
    return { rows: page.rows, next: page.next, total: page.total };
  });
  const commit = useAct(() => ask(api.POST("/imports/{importId}/commit", { params: path, body: { skip_bad: preview.bad > 0 } })), { touches: ["users", "organisation"], onDone: props.onDone });
  const discard = useAct(() => ask(api.DELETE("/imports/{importId}", { params: path })), { onDone: props.onAgain });
  const columns: Column<Row>[] = [
    { key: "row", head: t("import.row"), width: "4rem", cell: (row) => format.number(row.row) },
    { key: "name", head: t("field.name"), width: "minmax(12rem, 1.2fr)", cell: (row) => <span className="two-lines"><span>{row.display_name || "–"}</span><span className="small soft mono">{row.localpart}</span></span> },
    { key: "unit", head: t("field.unit"), width: "minmax(12rem, 1.2fr)", cell: (row) => <span className="two-lines"><span>{row.designation}</span><span className="small soft">{row.unit}</span></span> },
    { key: "errors", head: t("import.problem"), width: "minmax(16rem, 2fr)", cell: (row) => row.errors.length === 0 ? <Badge tone="good">{t("import.good_row")}</Badge> : (
      <ul>{row.errors.map((error) => <li key={`${error.errcode} ${error.column}`}><strong>{t(`row_error.${error.errcode}`)}</strong> <span className="small soft mono">{[error.column, error.value].filter(Boolean).join(": ")}</span></li>)}</ul>
    ) },
  ];
  return (
    <>
      <div className="figures">
        <Figure label={t("import.rows")}>{format.number(preview.rows)}</Figure>
        <Figure label={t("import.good")}>{format.number(preview.good)}</Figure>
        <Figure label={t("import.bad")}>{format.number(preview.bad)}</Figure>
      </div>
      {preview.bad > 0 ? <Note tone="warn"><p>{t("import.bad_what")}</p></Note> : <Note tone="good"><p>{t("import.good_what")}</p></Note>}
      <Check label={t("import.only_bad")} value={bad} onChange={setBad} disabled={preview.bad === 0} />
      <List label={t("import.title")} of={rows} columns={columns} rowKey={(row) => String(row.row)} empty={t("import.none")} />
      {(commit.error ?? discard.error) && <Failed error={commit.error ?? discard.error} />}
      <div className="line line-end">
        <Button onPress={() => discard.mutate(undefined)}>{t("import.other")}</Button>
        <Button kind="main" isDisabled={preview.good === 0 || commit.isPending} onPress={() => commit.mutate(undefined)}>{t("import.commit", { count: format.number(preview.good) })}</Button>
      </div>
    </>
  );
}
