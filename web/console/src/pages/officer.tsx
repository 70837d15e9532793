// One officer: who, the state of the account, devices, slip; and what can be done.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, Select, TextField } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { Badge, Facts, Failed, Loaded, Page, Sheet } from "../ui/parts";
import { useTell } from "../ui/toasts";
import { DeviceCard } from "./device";
import { MakeSlips } from "./slip-sheet";
import { LabelBadge, localpart, useLabels, useOrganisation, usePropose, userTones } from "./shared";

type User = Schemas["User"];

export default function Officer() {
  const { t } = useTranslation();
  const { userId = "" } = useParams();
  const query = useQuery({ queryKey: ["users", "one", userId], queryFn: () => ask(api.GET("/users/{userId}", { params: { path: { userId } } })) });
  return (
    <Page title={query.data?.display_name ?? localpart(userId)} about={<><Link to="/officers">{t("nav.officers")}</Link> · <span className="mono">{userId}</span></>}>
      <Loaded query={query}>{(user) => <Details user={user} />}</Loaded>
    </Page>
  );
}

function Details(props: { user: User }) {
  const { t } = useTranslation();
  const format = useFormats();
  const organisation = useOrganisation();
  const may = useMay();
  const tell = useTell();
  const [confirm, askFor] = useConfirm();
  const [editing, setEditing] = useState(false);
  const [clearing, setClearing] = useState(false);
  const [slip, setSlip] = useState(false);
  const { user } = props;
  const path = { path: { userId: user.user_id } };
  const name = user.display_name ?? localpart(user.user_id);
  const body = (reason: string) => (reason ? { reason } : {});
  const touches = ["users", "devices", "slips"];
  const onDone = () => tell(t("act.done"));
  const lock = useAct((reason: string) => ask(api.POST("/users/{userId}/lock", { params: path, body: body(reason) })), { touches, onDone });
  const unlock = useAct((reason: string) => ask(api.POST("/users/{userId}/unlock", { params: path, body: body(reason) })), { touches, onDone });
  const suspend = useAct((reason: string) => ask(api.POST("/users/{userId}/suspend", { params: path, body: body(reason) })), { touches, onDone });
  const deactivate = useAct((reason: string) => ask(api.POST("/users/{userId}/deactivate", { params: path, body: body(reason) })), { touches, onDone });
  const reset = useAct((reason: string) => ask(api.POST("/users/{userId}/reset", { params: path, body: body(reason) })), { touches, onDone });
  const propose = usePropose();
  const open = user.state !== "deactivated";
  return (
    <>
      {confirm}
      <div className="grid grid-wide">
        <Sheet title={t("officer.account")} acts={may("changeUser") && open && <Button onPress={() => setEditing(true)}>{t("act.change")}</Button>}>
          <Facts rows={[
            [t("field.state"), <Badge tone={userTones[user.state]}>{t(`user_state.${user.state}`)}</Badge>],
            [t("field.designation"), organisation.designation(user.designation_id) ?? "–"],
            [t("field.unit"), organisation.unit(user.unit_id) ?? "–"],
            [t("field.clearance"), user.clearance ? <LabelBadge id={user.clearance} /> : "–"],
            user.employee_id ? [t("field.employee_id"), <span className="mono">{user.employee_id}</span>] : undefined,
            user.phone ? [t("field.phone"), <span className="mono">{user.phone}</span>] : undefined,
            [t("field.created"), format.time(user.created_ts)],
            [t("field.last_seen"), user.last_seen_ts ? format.time(user.last_seen_ts) : t("state.never")],
            [t("officer.rooms"), user.rooms === undefined ? "–" : format.number(user.rooms)],
            [t("officer.must_change"), t(user.must_change_password ? "state.yes" : "state.no")],
            [t("officer.slip"), user.slip ? `${t(`slip_state.${user.slip.state}`)} · ${format.time(user.slip.expires_ts)}` : t("slip_state.none")],
          ]} />
        </Sheet>
        {open && (may("lockUser") || may("propose")) && (
          <Sheet title={t("officer.acts")}>
            <ul className="stack-tight">
              {may("makeSlips") && <Act label={t("officer.make_slip")} what={t("officer.make_slip_what")} onPress={() => setSlip(true)} />}
              {user.state !== "active" && may("unlockUser") && <Act label={t("officer.unlock")} what={t("officer.unlock_what")} onPress={() => askFor({
                title: t("officer.unlock"), what: t("officer.unlock_what"), action: t("officer.unlock"), reason: true, run: unlock.mutateAsync })} />}
              {user.state === "active" && may("suspendUser") && <Act label={t("officer.suspend")} what={t("officer.suspend_what")} onPress={() => askFor({
                title: t("officer.suspend"), what: t("officer.suspend_what"), action: t("officer.suspend"), reason: true, run: suspend.mutateAsync })} />}
              {user.state !== "locked" && may("lockUser") && <Act danger label={t("officer.lock")} what={t("officer.lock_what")} onPress={() => askFor({
                title: t("officer.lock"), what: t("officer.lock_what"), action: t("officer.lock"), danger: true, reason: true, run: lock.mutateAsync })} />}
              {may("resetUser") && <Act danger label={t("officer.reset")} what={t("officer.reset_what")} onPress={() => askFor({
                title: t("officer.reset"), what: t("officer.reset_what"), action: t("officer.reset"), danger: true, reason: true, run: reset.mutateAsync })} />}
              {may("propose") && <Act label={t("officer.change_clearance")} what={t("officer.change_clearance_what")} onPress={() => setClearing(true)} />}
              {may("propose") && <Act danger label={t("officer.reset_identity")} what={t("officer.reset_identity_what")} onPress={() => askFor({
                title: t("officer.reset_identity"), what: t("officer.reset_identity_what"), action: t("act.propose"), danger: true,
                run: () => propose.mutateAsync({ action: "identity_reset", user_id: user.user_id }) })} />}
              {may("deactivateUser") && <Act danger label={t("officer.deactivate")} what={t("officer.deactivate_what")} onPress={() => askFor({
                title: t("officer.deactivate"), what: t("officer.deactivate_what"), action: t("officer.deactivate"), danger: true, reason: "required", typed: localpart(user.user_id), run: deactivate.mutateAsync })} />}
            </ul>
          </Sheet>
        )}
      </div>
      <Sheet title={t("nav.devices")}>
        {user.devices.length === 0 ? <p className="soft">{t("devices.none_of_officer")}</p> : (
          <ul className="rows">{user.devices.map((device) => <li key={device.device_id}><DeviceCard userId={user.user_id} device={device} /></li>)}</ul>
        )}
      </Sheet>
      {editing && <Edit user={user} onClose={() => setEditing(false)} />}
      {clearing && <Clearance user={user} onClose={() => setClearing(false)} />}
      {slip && <MakeSlips users={[{ user_id: user.user_id, name }]} onClose={() => setSlip(false)} />}
    </>
  );
}

function Act(props: { label: string; what: string; danger?: boolean; onPress: () => void }) {
  return (
    <li className="line spread">
      <span className="small soft grow">{props.what}</span>
      <Button kind={props.danger ? "danger" : "plain"} onPress={props.onPress}>{props.label}</Button>
    </li>
  );
}

function Edit(props: { user: User; onClose: () => void }) {
  const { t } = useTranslation();
  const { user } = props;
  const { units, designations, name: named } = useOrganisation();
  const [display, setDisplay] = useState(user.display_name ?? "");
  const [unit, setUnit] = useState(user.unit_id ?? "");
  const [designation, setDesignation] = useState(user.designation_id ?? "");
  const [employee, setEmployee] = useState(user.employee_id ?? "");
  const [phone, setPhone] = useState(user.phone ?? "");
  const change = useAct((body: Schemas["UserChange"]) => ask(api.PATCH("/users/{userId}", { params: { path: { userId: user.user_id } }, body })), { touches: ["users"], onDone: props.onClose });
  const none = [["", t("filter.none")]] as const;
  const save = () => change.mutate({
    ...(display ? { display_name: display } : {}), ...(unit ? { unit_id: unit } : {}), ...(designation ? { designation_id: designation } : {}), employee_id: employee, phone,
  });
  return (
    <Dialog title={t("officer.edit")} onClose={props.onClose}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <TextField label={t("field.display_name")} value={display} onChange={setDisplay} max={256} autoFocus />
        <Select label={t("field.unit")} value={unit} onChange={setUnit} options={[...none, ...units.map((one) => [one.unit_id, named(one) ?? ""] as const)]} />
        <Select label={t("field.designation")} value={designation} onChange={setDesignation} options={[...none, ...designations.map((one) => [one.designation_id, named(one) ?? ""] as const)]} />
        <TextField label={t("field.employee_id")} value={employee} onChange={setEmployee} max={64} code />
        <TextField label={t("field.phone")} value={phone} onChange={setPhone} max={32} code />
        {change.error && <Failed error={change.error} />}
        <div className="line line-end">
          <Button onPress={props.onClose}>{t("act.cancel")}</Button>
          <Button type="submit" kind="main" isDisabled={change.isPending}>{t("act.save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Clearance(props: { user: User; onClose: () => void }) {
  const { t } = useTranslation();
  const { labels, name } = useLabels();
  const [clearance, setClearance] = useState(props.user.clearance ?? "");
  const propose = usePropose();
  return (
    <Dialog title={t("officer.change_clearance")} onClose={props.onClose}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); propose.mutate({ action: "clearance_change", user_id: props.user.user_id, clearance }); }}>
        <p>{t("officer.change_clearance_what")}</p>
        <Select label={t("field.clearance")} value={clearance} onChange={setClearance}
          options={[["", t("filter.none")], ...labels.map((one) => [one.label, name(one.label) ?? one.label] as const)]} />
        {propose.error && <Failed error={propose.error} />}
        <div className="line line-end">
          <Button onPress={props.onClose}>{t("act.cancel")}</Button>
          <Button type="submit" kind="main" isDisabled={clearance === "" || clearance === props.user.clearance || propose.isPending}>{t("act.propose")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
