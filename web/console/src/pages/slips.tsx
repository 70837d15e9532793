// Enrolment slips that are out, and making some for many officers at once.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, Check, Select } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { List, useRows, type Column } from "../ui/list";
import { Badge, Page, type Tone } from "../ui/parts";
import { localpart } from "./shared";
import { MakeSlips } from "./slip-sheet";

type Slip = Schemas["SlipSummary"];
const tones: Record<Slip["state"], Tone> = { outstanding: "warn", used: "good", expired: "neutral", revoked: "bad" };
const most = 50;

export default function Slips() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [state, setState] = useState<Slip["state"] | "">("");
  const [choosing, setChoosing] = useState(false);
  const [confirm, askFor] = useConfirm();
  const rows = useRows<Slip>(["slips", state], async (after) => {
    const page = await ask(api.GET("/slips", { params: { query: { limit: 200, ...(after !== undefined ? { after: String(after) } : {}), ...(state ? { state } : {}) } } }));
    return { rows: page.slips, next: page.next, total: page.total };
  });
  const revoke = useAct((slipId: string) => ask(api.DELETE("/slips/{slipId}", { params: { path: { slipId } } })), { touches: ["slips"] });
  const columns: Column<Slip>[] = [
    { key: "officer", head: t("field.officer"), width: "minmax(14rem, 2fr)", cell: (slip) => (
      <span className="two-lines"><Link to={`/officers/${encodeURIComponent(slip.user_id)}`}>{slip.display_name ?? localpart(slip.user_id)}</Link><span className="small soft mono">{slip.user_id}</span></span>
    ) },
    { key: "state", head: t("field.state"), width: "9rem", cell: (slip) => <Badge tone={tones[slip.state]}>{t(`slip_state.${slip.state}`)}</Badge> },
    { key: "until", head: t("slips.until"), width: "11.5rem", cell: (slip) => format.time(slip.expires_ts) },
    { key: "by", head: t("field.by"), width: "minmax(8rem, 1fr)", cell: (slip) => <span className="two-lines"><span>{slip.made_by}</span><span className="small soft">{format.time(slip.made_ts)}</span></span> },
    { key: "act", head: t("officer.acts"), width: "11rem", cell: (slip) => slip.state === "outstanding" && may("revokeSlip") && (
      <Button kind="danger" aria-label={t("slips.revoke_of", { name: slip.display_name ?? slip.user_id })} onPress={() => askFor({
        title: t("slips.revoke"), what: t("slips.revoke_what"), action: t("slips.revoke"), danger: true, run: () => revoke.mutateAsync(slip.slip_id) })}>{t("slips.revoke")}</Button>
    ) },
  ];
  return (
    <Page title={t("nav.slips")} about={t("slips.about")} acts={may("makeSlips") && <Button kind="main" onPress={() => setChoosing(true)}>{t("slips.make_many")}</Button>}>
      {confirm}
      <div className="filters">
        <Select label={t("field.state")} value={state} onChange={setState} options={[["", t("filter.all")], ...(["outstanding", "used", "expired", "revoked"] as const).map((one) => [one, t(`slip_state.${one}`)] as const)]} />
      </div>
      <List label={t("nav.slips")} of={rows} columns={columns} rowKey={(slip) => slip.slip_id} empty={t("slips.none")} />
      {choosing && <Choose onClose={() => setChoosing(false)} />}
    </Page>
  );
}

// Officers who have no device yet and no slip.
function Choose(props: { onClose: () => void }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<Map<string, string>>(new Map());
  const [making, setMaking] = useState(false);
  const rows = useRows<Schemas["UserSummary"]>(["users", "without-slip"], async (after) => {
    const page = await ask(api.GET("/users", { params: { query: { limit: 500, state: "active", ...(after !== undefined ? { after: String(after) } : {}) } } }));
    return { rows: page.users.filter((user) => user.devices === 0 && user.slip !== "outstanding"), next: page.next };
  });
  if (making) return <MakeSlips users={[...chosen].map(([user_id, name]) => ({ user_id, name }))} onClose={props.onClose} />;
  const columns: Column<Schemas["UserSummary"]>[] = [
    { key: "pick", head: t("slips.pick"), width: "minmax(14rem, 1fr)", cell: (user) => {
      const name = user.display_name ?? localpart(user.user_id);
      return (
        <Check label={<>{name} <span className="small soft mono">{user.user_id}</span></>} value={chosen.has(user.user_id)} disabled={!chosen.has(user.user_id) && chosen.size >= most}
          onChange={(on) => setChosen((old) => { const next = new Map(old); if (on) next.set(user.user_id, name); else next.delete(user.user_id); return next; })} />
      );
    } },
  ];
  return (
    <Dialog title={t("slips.make_many")} wide onClose={props.onClose}>
      <p>{t("slips.choose_what", { most })}</p>
      <List label={t("slips.pick")} of={rows} columns={columns} rowKey={(user) => user.user_id} empty={t("slips.all_have")} />
      <div className="line line-end">
        <Button onPress={props.onClose}>{t("act.cancel")}</Button>
        <Button kind="main" isDisabled={chosen.size === 0} onPress={() => setMaking(true)}>{t("slips.make_for", { count: chosen.size })}</Button>
      </div>
    </Dialog>
  );
}
