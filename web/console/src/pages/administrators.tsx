// Who administers the site: roles and keys are gims-keyd's and change by two persons; sign-in to the console is the site's.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay, useSession } from "../session/session";
import { Button, TextField } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { Badge, Facts, Failed, Loaded, Note, Page, Sheet, type Tone } from "../ui/parts";
import { AdministratorKey, RoleChecks } from "./administrator-key";
import { usePropose } from "./shared";

type Administrator = Schemas["Administrator"];
const tones: Record<Administrator["console"], Tone> = { none: "neutral", invited: "warn", active: "good", locked: "bad" };

export default function Administrators() {
  const { t } = useTranslation();
  const may = useMay();
  const query = useQuery({ queryKey: ["administrators"], queryFn: () => ask(api.GET("/administrators")) });
  const [adding, setAdding] = useState(false);
  const [invitation, setInvitation] = useState<Schemas["Invitation"]>();
  return (
    <Page title={t("nav.administrators")} about={t("administrators.about")} acts={may("propose") && <Button kind="main" onPress={() => setAdding(true)}>{t("administrators.add")}</Button>}>
      <Loaded query={query}>{({ administrators }) => (
        <>
          {administrators.filter((one) => one.approves).length < 3 && <Note tone="warn"><p>{t("administrators.few")}</p></Note>}
          <div className="grid grid-wide">{administrators.map((one) => <Card key={one.name} administrator={one} onInvited={setInvitation} />)}</div>
        </>
      )}</Loaded>
      {adding && <Add onClose={() => setAdding(false)} />}
      {invitation && <Invited invitation={invitation} onClose={() => setInvitation(undefined)} />}
    </Page>
  );
}

export function Invited(props: { invitation: Schemas["Invitation"]; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormats();
  return (
    <Dialog title={t("administrators.invitation", { name: props.invitation.name })} alert onClose={props.onClose}>
      <Note tone="warn"><p>{t("administrators.invitation_once")}</p></Note>
      <p className="mono"><strong>{props.invitation.code}</strong></p>
      <p className="soft">{t("administrators.invitation_until", { time: format.exact(props.invitation.expires_ts) })}</p>
      <div className="line line-end"><Button kind="main" onPress={props.onClose}>{t("act.close")}</Button></div>
    </Dialog>
  );
}

function Card(props: { administrator: Administrator; onInvited: (invitation: Schemas["Invitation"]) => void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const { administrator: one } = props;
  const [confirm, askFor] = useConfirm();
  const [changing, setChanging] = useState(false);
  const params = { path: { name: one.name } };
  const touches = ["administrators", "sessions"];
  const body = (reason: string) => (reason ? { reason } : {});
  const invite = useAct(() => ask(api.POST("/administrators/{name}/invite", { params })), { touches, onDone: props.onInvited });
  const lock = useAct((reason: string) => ask(api.POST("/administrators/{name}/lock", { params, body: body(reason) })), { touches });
  const unlock = useAct((reason: string) => ask(api.POST("/administrators/{name}/unlock", { params, body: body(reason) })), { touches });
  const propose = usePropose();
  return (
    <Sheet title={one.name} acts={<Badge tone={tones[one.console]}>{t(`console_state.${one.console}`)}</Badge>}>
      {confirm}
      <Facts rows={[
        [t("administrators.roles"), one.roles.map((role) => t(`role.${role}`)).join(", ")],
        [t("administrators.approves"), t(one.approves ? "state.yes" : "state.no")],
        [t("administrators.key"), <>{t(`key_kind.${one.key}`)} <span className="mono small">{one.fingerprint}</span></>],
        [t("administrators.factors"), one.factors.length ? one.factors.map((factor) => t(`factor.${factor}`)).join(", ") : "–"],
        [t("administrators.last"), one.last_signin_ts ? format.time(one.last_signin_ts) : t("state.never")],
      ]} />
      <div className="line line-end">
        {may("inviteAdministrator") && <Button onPress={() => askFor({ title: t("administrators.invite"), what: t("administrators.invite_what"), action: t("administrators.invite"), danger: one.console === "active", run: () => invite.mutateAsync(undefined) })}>{t("administrators.invite")}</Button>}
        {one.console === "locked" && may("unlockAdministrator") && <Button onPress={() => askFor({ title: t("administrators.unlock"), what: t("administrators.unlock_what"), action: t("administrators.unlock"), reason: true, run: unlock.mutateAsync })}>{t("administrators.unlock")}</Button>}
        {one.console !== "locked" && one.console !== "none" && may("lockAdministrator") && <Button kind="danger" onPress={() => askFor({ title: t("administrators.lock"), what: t("administrators.lock_what"), action: t("administrators.lock"), danger: true, reason: true, run: lock.mutateAsync })}>{t("administrators.lock")}</Button>}
        {may("propose") && <Button onPress={() => setChanging(true)}>{t("administrators.change_roles")}</Button>}
        {may("propose") && <Button kind="danger" onPress={() => askFor({ title: t("administrators.remove"), what: t("administrators.remove_what"), action: t("act.propose"), danger: true, run: () => propose.mutateAsync({ action: "administrators_remove", name: one.name }) })}>{t("administrators.remove")}</Button>}
      </div>
      {changing && <ChangeRoles administrator={one} onClose={() => setChanging(false)} />}
    </Sheet>
  );
}

function ChangeRoles(props: { administrator: Administrator; onClose: () => void }) {
  const { t } = useTranslation();
  const [roles, setRoles] = useState(props.administrator.roles);
  const propose = usePropose();
  return (
    <Dialog title={t("administrators.change_roles")} onClose={props.onClose}>
      <p>{t("administrators.two")}</p>
      <RoleChecks value={roles} onChange={setRoles} />
      {propose.error && <Failed error={propose.error} />}
      <div className="line line-end">
        <Button onPress={props.onClose}>{t("act.cancel")}</Button>
        <Button kind="main" isDisabled={roles.length === 0 || roles.join() === props.administrator.roles.join() || propose.isPending} onPress={() => propose.mutate({ action: "administrators_set_roles", name: props.administrator.name, roles })}>{t("act.propose")}</Button>
      </div>
    </Dialog>
  );
}

function Add(props: { onClose: () => void }) {
  const { t } = useTranslation();
  const { site } = useSession();
  const [name, setName] = useState("");
  const [roles, setRoles] = useState<Schemas["Role"][]>(["administrator"]);
  const [key, setKey] = useState<Schemas["AdministratorKey"]>();
  const propose = usePropose();
  return (
    <Dialog title={t("administrators.add")} onClose={props.onClose}>
      <p>{t("administrators.two")}</p>
      <TextField label={t("field.name")} value={name} onChange={setName} max={64} autoFocus required />
      <RoleChecks value={roles} onChange={setRoles} />
      <AdministratorKey name={name.trim()} rpId={site?.rp_id || undefined} value={key} onChange={setKey} />
      {propose.error && <Failed error={propose.error} />}
      <div className="line line-end">
        <Button onPress={props.onClose}>{t("act.cancel")}</Button>
        <Button kind="main" isDisabled={!name.trim() || roles.length === 0 || !key || propose.isPending} onPress={() => key && propose.mutate({ action: "administrators_add", name: name.trim(), roles, key })}>{t("act.propose")}</Button>
      </div>
    </Dialog>
  );
}
