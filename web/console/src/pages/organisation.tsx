// Ministry, departments, sections; and designations.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, Select, TextField } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { Badge, Empty, Failed, Loaded, Page, Sheet } from "../ui/parts";
import { useOrganisation } from "./shared";

type Unit = Schemas["Unit"];
type Designation = Schemas["Designation"];
const kinds = ["ministry", "department", "section"] as const;

export default function Organisation() {
  const { t } = useTranslation();
  const may = useMay();
  const organisation = useOrganisation();
  const [unit, setUnit] = useState<Unit | "new">();
  const [designation, setDesignation] = useState<Designation | "new">();
  const [confirm, askFor] = useConfirm();
  const touches = ["organisation"];
  const dropUnit = useAct((unitId: string) => ask(api.DELETE("/organisation/units/{unitId}", { params: { path: { unitId } } })), { touches });
  const dropDesignation = useAct((designationId: string) => ask(api.DELETE("/organisation/designations/{designationId}", { params: { path: { designationId } } })), { touches });
  const format = useFormats();
  const branch = (units: readonly Unit[], parent: string | undefined) => {
    const below = units.filter((one) => one.parent_id === parent);
    if (below.length === 0) return null;
    return (
      <ul className={parent ? "" : "tree"}>
        {below.map((one) => (
          <li key={one.unit_id}>
            <div className="tree-row">
              <strong>{organisation.name(one)}</strong>
              <Badge>{t(`unit_kind.${one.kind}`)}</Badge>
              <Link className="small" to={`/officers?unit=${encodeURIComponent(one.unit_id)}`}>{t("organisation.officers", { count: format.number(one.officers) })}</Link>
              {may("changeUnit") && <Button kind="quiet" aria-label={t("act.change_of", { name: one.name })} onPress={() => setUnit(one)}>{t("act.change")}</Button>}
              {may("removeUnit") && one.officers === 0 && !units.some((other) => other.parent_id === one.unit_id) && (
                <Button kind="quiet" aria-label={t("act.remove_of", { name: one.name })} onPress={() => askFor({ title: t("act.remove_of", { name: one.name }), what: t("organisation.remove_what"), action: t("act.remove"), danger: true, run: () => dropUnit.mutateAsync(one.unit_id) })}>{t("act.remove")}</Button>
              )}
            </div>
            {branch(units, one.unit_id)}
          </li>
        ))}
      </ul>
    );
  };
  return (
    <Page title={t("nav.organisation")} about={t("organisation.about")}>
      {confirm}
      <Loaded query={organisation.query}>{({ units, designations }) => (
        <div className="grid grid-wide">
          <Sheet title={t("organisation.units")} acts={may("addUnit") && <Button kind="main" onPress={() => setUnit("new")}>{t("organisation.add_unit")}</Button>}>
            {units.length === 0 ? <Empty>{t("organisation.no_units")}</Empty> : branch(units, undefined)}
          </Sheet>
          <Sheet title={t("organisation.designations")} acts={may("addDesignation") && <Button kind="main" onPress={() => setDesignation("new")}>{t("organisation.add_designation")}</Button>}>
            {designations.length === 0 ? <Empty>{t("organisation.no_designations")}</Empty> : (
              <ul className="rows">
                {designations.map((one) => (
                  <li key={one.designation_id} className="line spread">
                    <span>{organisation.name(one)} <span className="small soft">{t("organisation.officers", { count: format.number(one.officers) })}</span></span>
                    <span className="line">
                      {may("changeDesignation") && <Button kind="quiet" aria-label={t("act.change_of", { name: one.name })} onPress={() => setDesignation(one)}>{t("act.change")}</Button>}
                      {may("removeDesignation") && one.officers === 0 && <Button kind="quiet" aria-label={t("act.remove_of", { name: one.name })} onPress={() => askFor({ title: t("act.remove_of", { name: one.name }), what: t("organisation.remove_what"), action: t("act.remove"), danger: true, run: () => dropDesignation.mutateAsync(one.designation_id) })}>{t("act.remove")}</Button>}
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </Sheet>
        </div>
      )}</Loaded>
      {unit && <EditUnit unit={unit} onClose={() => setUnit(undefined)} />}
      {designation && <EditDesignation designation={designation} onClose={() => setDesignation(undefined)} />}
    </Page>
  );
}

function Form(props: { title: string; error: unknown; ready: boolean; onSave: () => void; onClose: () => void; children: React.ReactNode }) {
  const { t } = useTranslation();
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (props.ready) props.onSave(); }}>
        {props.children}
        {props.error ? <Failed error={props.error} /> : null}
        <div className="line line-end">
          <Button onPress={props.onClose}>{t("act.cancel")}</Button>
          <Button type="submit" kind="main" isDisabled={!props.ready}>{t("act.save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function EditUnit(props: { unit: Unit | "new"; onClose: () => void }) {
  const { t } = useTranslation();
  const { units, name: named } = useOrganisation();
  const old = props.unit === "new" ? undefined : props.unit;
  const [name, setName] = useState(old?.name ?? "");
  const [hindi, setHindi] = useState(old?.name_hi ?? "");
  const [kind, setKind] = useState<Unit["kind"]>(old?.kind ?? (units.length ? "department" : "ministry"));
  const [parent, setParent] = useState(old?.parent_id ?? "");
  const save = useAct((body: Schemas["UnitRequest"]) => old
    ? ask(api.PUT("/organisation/units/{unitId}", { params: { path: { unitId: old.unit_id } }, body }))
    : ask(api.POST("/organisation/units", { body })), { touches: ["organisation"], onDone: props.onClose });
  return (
    <Form title={t(old ? "organisation.change_unit" : "organisation.add_unit")} error={save.error} ready={name.trim() !== "" && !save.isPending} onClose={props.onClose}
      onSave={() => save.mutate({ kind, name: name.trim(), name_hi: hindi.trim(), ...(parent ? { parent_id: parent } : {}) })}>
      <TextField label={t("field.name_en")} value={name} onChange={setName} max={128} autoFocus required />
      <TextField label={t("field.name_hi")} value={hindi} onChange={setHindi} max={128} />
      <Select label={t("organisation.kind")} value={kind} onChange={setKind} options={kinds.map((one) => [one, t(`unit_kind.${one}`)] as const)} />
      <Select label={t("organisation.below")} value={parent} onChange={setParent}
        options={[["", t("organisation.top")], ...units.filter((one) => one.unit_id !== old?.unit_id).map((one) => [one.unit_id, named(one) ?? ""] as const)]} />
    </Form>
  );
}

function EditDesignation(props: { designation: Designation | "new"; onClose: () => void }) {
  const { t } = useTranslation();
  const old = props.designation === "new" ? undefined : props.designation;
  const [name, setName] = useState(old?.name ?? "");
  const [hindi, setHindi] = useState(old?.name_hi ?? "");
  const save = useAct((body: Schemas["DesignationRequest"]) => old
    ? ask(api.PUT("/organisation/designations/{designationId}", { params: { path: { designationId: old.designation_id } }, body }))
    : ask(api.POST("/organisation/designations", { body })), { touches: ["organisation"], onDone: props.onClose });
  return (
    <Form title={t(old ? "organisation.change_designation" : "organisation.add_designation")} error={save.error} ready={name.trim() !== "" && !save.isPending} onClose={props.onClose}
      onSave={() => save.mutate({ name: name.trim(), name_hi: hindi.trim(), ...(old?.rank === undefined ? {} : { rank: old.rank }) })}>
      <TextField label={t("field.name_en")} value={name} onChange={setName} max={128} autoFocus required />
      <TextField label={t("field.name_hi")} value={hindi} onChange={setHindi} max={128} />
    </Form>
  );
}
