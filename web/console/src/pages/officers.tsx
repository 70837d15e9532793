// All officers: found by name, state and unit; made one by one or from a file.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, LinkButton, Select, TextField } from "../ui/controls";
import { Dialog } from "../ui/dialogs";
import { List, useRows, type Column } from "../ui/list";
import { Badge, Failed, Page } from "../ui/parts";
import { useTell } from "../ui/toasts";
import { LabelBadge, localpart, useOrganisation, userTones } from "./shared";
import { useLate } from "./late";

type User = Schemas["UserSummary"];
type State = Schemas["UserState"];

export default function Officers() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [query, setQuery] = useSearchParams();
  const [adding, setAdding] = useState(false);
  const organisation = useOrganisation();
  const [q, typed, setTyped] = useLate(query.get("q") ?? "");
  const state = (query.get("state") ?? "") as State | "";
  const unit = query.get("unit") ?? "";
  const filter = (name: string, value: string) => setQuery((old) => {
    const next = new URLSearchParams(old);
    if (value) next.set(name, value); else next.delete(name);
    return next;
  }, { replace: true });
  const rows = useRows<User>(["users", q, state, unit], async (after) => {
    const page = await ask(api.GET("/users", { params: { query: {
      limit: 200, ...(after !== undefined ? { after: String(after) } : {}), ...(q ? { q } : {}), ...(state ? { state } : {}), ...(unit ? { unit } : {}),
    } } }));
    return { rows: page.users, next: page.next, total: page.total };
  });
  const columns: Column<User>[] = [
    { key: "name", head: t("field.name"), width: "minmax(14rem, 2fr)", cell: (user) => (
      <span className="two-lines"><Link to={`/officers/${encodeURIComponent(user.user_id)}`}>{user.display_name ?? localpart(user.user_id)}</Link><span className="small soft mono">{user.user_id}</span></span>
    ) },
    { key: "unit", head: t("field.unit"), width: "minmax(12rem, 1.5fr)", cell: (user) => (
      <span className="two-lines"><span>{organisation.designation(user.designation_id)}</span><span className="small soft">{organisation.unit(user.unit_id)}</span></span>
    ) },
    { key: "state", head: t("field.state"), width: "9rem", cell: (user) => <Badge tone={userTones[user.state]}>{t(`user_state.${user.state}`)}</Badge> },
    { key: "clearance", head: t("field.clearance"), width: "9rem", cell: (user) => user.clearance && <LabelBadge id={user.clearance} /> },
    { key: "devices", head: t("nav.devices"), width: "10rem", cell: (user) => (
      <span>{format.number(user.devices)}{user.devices_pending ? <> <Badge tone="warn">{t("officers.pending", { count: user.devices_pending })}</Badge></> : null}</span>
    ) },
    { key: "seen", head: t("field.last_seen"), width: "11.5rem", cell: (user) => user.last_seen_ts ? format.time(user.last_seen_ts) : t("state.never") },
  ];
  return (
    <Page title={t("nav.officers")} about={t("officers.about")} acts={may("addUser") && (
      <>
        <LinkButton to="/officers/import">{t("officers.import")}</LinkButton>
        <Button kind="main" onPress={() => setAdding(true)}>{t("officers.add")}</Button>
      </>
    )}>
      <div className="filters" role="search">
        <TextField className="field-search" label={t("field.search")} type="search" value={typed} onChange={setTyped} max={128} />
        <Select label={t("field.state")} value={state} onChange={(value) => filter("state", value)}
          options={[["", t("filter.all")], ...(["active", "suspended", "locked", "deactivated"] as const).map((one) => [one, t(`user_state.${one}`)] as const)]} />
        <Select label={t("field.unit")} value={unit} onChange={(value) => filter("unit", value)}
          options={[["", t("filter.all")], ...organisation.units.map((one) => [one.unit_id, organisation.name(one) ?? one.unit_id] as const)]} />
      </div>
      <List label={t("nav.officers")} of={rows} columns={columns} rowKey={(user) => user.user_id}
        empty={q || state || unit ? t("officers.none_found") : t("officers.none")} />
      {adding && <AddOfficer onClose={() => setAdding(false)} />}
    </Page>
  );
}

function AddOfficer(props: { onClose: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const tell = useTell();
  const { units, designations, name: named } = useOrganisation();
  const [name, setName] = useState("");
  const [display, setDisplay] = useState("");
  const [unit, setUnit] = useState("");
  const [designation, setDesignation] = useState("");
  const add = useAct((body: Schemas["NewUser"]) => ask(api.POST("/users", { body })), {
    touches: ["users"],
    onDone: ({ user_id }) => {
      tell(t("officers.added", { name: user_id }));
      void go(`/officers/${encodeURIComponent(user_id)}`);
    },
  });
  const wrong = name !== "" && !/^[a-z0-9._=/+-]{1,64}$/.test(name);
  const none = [["", t("filter.none")]] as const;
  return (
    <Dialog title={t("officers.add")} onClose={props.onClose}>
      <form className="stack" onSubmit={(event) => {
        event.preventDefault();
        if (name && !wrong) {
          add.mutate({ localpart: name, ...(display ? { display_name: display } : {}), ...(unit ? { unit_id: unit } : {}), ...(designation ? { designation_id: designation } : {}) });
        }
      }}>
        <p>{t("officers.add_what")}</p>
        <TextField label={t("field.localpart")} value={name} onChange={setName} max={64} hint={t("field.localpart_hint")} problem={wrong ? t("error.M_INVALID_USERNAME") : undefined} required autoFocus code />
        <TextField label={t("field.display_name")} value={display} onChange={setDisplay} max={256} />
        <Select label={t("field.unit")} value={unit} onChange={setUnit} options={[...none, ...units.map((one) => [one.unit_id, named(one) ?? ""] as const)]} />
        <Select label={t("field.designation")} value={designation} onChange={setDesignation} options={[...none, ...designations.map((one) => [one.designation_id, named(one) ?? ""] as const)]} />
        {add.error && <Failed error={add.error} />}
        <div className="line line-end">
          <Button onPress={props.onClose}>{t("act.cancel")}</Button>
          <Button type="submit" kind="main" isDisabled={!name || wrong || add.isPending}>{t("act.add")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
