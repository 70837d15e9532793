// The site's labels, the lowest first; a change takes two persons.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { useMay } from "../session/session";
import { Button, Select, TextField } from "../ui/controls";
import { Badge, Empty, Failed, Loaded, Page, Sheet } from "../ui/parts";
import { LabelBadge, useLabels, usePropose } from "./shared";

type Label = Schemas["Label"];
const colours = ["grey", "blue", "green", "amber", "red"] as const;

export default function Labels() {
  const { t } = useTranslation();
  const may = useMay();
  const { query } = useLabels();
  const [draft, setDraft] = useState<Label[]>();
  return (
    <Page title={t("nav.labels")} about={t("labels.about")} acts={!draft && may("propose") && query.data && <Button onPress={() => setDraft(query.data.labels)}>{t("labels.change")}</Button>}>
      {draft ? <Draft labels={draft} onChange={setDraft} onCancel={() => setDraft(undefined)} /> : (
        <Loaded query={query}>{({ labels }) => (
          <section className="sheet sheet-plain scroll-x">
            {labels.length === 0 ? <Empty>{t("labels.none")}</Empty> : (
              <table className="plain-table">
                <thead><tr><th scope="col">{t("labels.level")}</th><th scope="col">{t("field.label")}</th><th scope="col">{t("field.name_en")}</th><th scope="col">{t("field.name_hi")}</th></tr></thead>
                <tbody>{labels.map((label) => <tr key={label.label}><td>{label.level}</td><td><LabelBadge id={label.label} /></td><td lang="en">{label.name}</td><td lang="hi">{label.name_hi}</td></tr>)}</tbody>
              </table>
            )}
          </section>
        )}</Loaded>
      )}
    </Page>
  );
}

function Draft(props: { labels: Label[]; onChange: (labels: Label[]) => void; onCancel: () => void }) {
  const { t } = useTranslation();
  const { labels } = props;
  const propose = usePropose();
  const change = (at: number, part: Partial<Label>) => props.onChange(labels.map((label, index) => (index === at ? { ...label, ...part } : label)));
  const ready = labels.length > 0 && labels.every((label) => label.name.trim() && label.name_hi.trim() && /^[a-z0-9_]{1,32}$/.test(label.label))
    && new Set(labels.map((label) => label.label)).size === labels.length;
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); if (ready) propose.mutate({ action: "label_scheme_change", labels: labels.map((label, level) => ({ ...label, level })) }); }}>
      <p>{t("labels.change_what")}</p>
      {labels.map((label, at) => (
        <Sheet key={at} title={<><Badge>{at}</Badge> {label.name}</>} acts={<Button kind="danger" aria-label={t("act.remove_of", { name: label.name })} onPress={() => props.onChange(labels.filter((_, index) => index !== at))}>{t("act.remove")}</Button>}>
          <div className="grid">
            <TextField label={t("labels.id")} value={label.label} onChange={(value) => change(at, { label: value })} max={32} code />
            <TextField label={t("field.name_en")} value={label.name} onChange={(value) => change(at, { name: value })} max={64} />
            <TextField label={t("field.name_hi")} value={label.name_hi} onChange={(value) => change(at, { name_hi: value })} max={64} />
            <Select label={t("labels.colour")} value={label.colour ?? "grey"} onChange={(colour) => change(at, { colour })} options={colours.map((one) => [one, t(`colour.${one}`)] as const)} />
          </div>
        </Sheet>
      ))}
      {propose.error && <Failed error={propose.error} />}
      <div className="line line-end">
        <Button isDisabled={labels.length >= 16} onPress={() => props.onChange([...labels, { label: "", name: "", name_hi: "", level: labels.length, colour: "grey" }])}>{t("labels.add")}</Button>
        <Button onPress={props.onCancel}>{t("act.cancel")}</Button>
        <Button type="submit" kind="main" isDisabled={!ready || propose.isPending}>{t("act.propose")}</Button>
      </div>
    </form>
  );
}
