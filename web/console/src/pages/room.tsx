// One room: members, label, retention, shutting it down.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button, Select, TextField } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { List, useRows, type Column } from "../ui/list";
import { Badge, Facts, Failed, Loaded, Page, Sheet } from "../ui/parts";
import { useTell } from "../ui/toasts";
import { LabelBadge, localpart, useLabels, usePropose } from "./shared";

type Member = Schemas["RoomMember"];

export default function Room() {
  const { t } = useTranslation();
  const { roomId = "" } = useParams();
  const query = useQuery({ queryKey: ["rooms", "one", roomId], queryFn: () => ask(api.GET("/rooms/{roomId}", { params: { path: { roomId } } })) });
  const rows = useRows<Member>(["rooms", "members", roomId], async (after) => {
    const page = await ask(api.GET("/rooms/{roomId}/members", { params: { path: { roomId }, query: { limit: 200, ...(after !== undefined ? { after: String(after) } : {}) } } }));
    return { rows: page.members, next: page.next, total: page.total };
  });
  const columns: Column<Member>[] = [
    { key: "name", head: t("field.officer"), width: "minmax(14rem, 2fr)", cell: (member) => (
      <span className="two-lines"><Link to={`/officers/${encodeURIComponent(member.user_id)}`}>{member.display_name ?? localpart(member.user_id)}</Link><span className="small soft mono">{member.user_id}</span></span>
    ) },
    { key: "membership", head: t("field.state"), width: "9rem", cell: (member) => <Badge tone={member.membership === "join" ? "good" : "neutral"}>{t(`membership.${member.membership}`)}</Badge> },
    { key: "power", head: t("rooms.power"), width: "6rem", cell: (member) => member.power_level ?? "–" },
  ];
  return (
    <Page title={query.data?.name ?? t(query.data?.direct ? "rooms.direct" : "rooms.unnamed")} about={<><Link to="/rooms">{t("nav.rooms")}</Link> · <span className="mono">{roomId}</span></>}>
      <Loaded query={query}>{(room) => <Details room={room} />}</Loaded>
      <h2>{t("rooms.members")}</h2>
      <List label={t("rooms.members")} of={rows} columns={columns} rowKey={(member) => member.user_id} empty={t("rooms.no_members")} />
    </Page>
  );
}

function Details(props: { room: Schemas["RoomSummary"] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const tell = useTell();
  const { labels, name } = useLabels();
  const { room } = props;
  const [confirm, askFor] = useConfirm();
  const [keeping, setKeeping] = useState(false);
  const [labelling, setLabelling] = useState(false);
  const [days, setDays] = useState(room.retention_days ? String(room.retention_days) : "");
  const [label, setLabel] = useState(room.label ?? "");
  const params = { path: { roomId: room.room_id } };
  const keep = useAct((value: number | null) => ask(api.PUT("/rooms/{roomId}/retention", { params, body: { days: value } })), { touches: ["rooms"], onDone: () => { setKeeping(false); tell(t("act.done")); } });
  const shutDown = useAct((reason: string) => ask(api.POST("/rooms/{roomId}/shutdown", { params, body: { reason } })), { touches: ["rooms"] });
  const propose = usePropose();
  const number = Number(days);
  const wrong = days !== "" && (!Number.isInteger(number) || number < 1 || number > 36500);
  return (
    <Sheet title={t("rooms.facts")} acts={!room.shut_down_ts && (
      <>
        {may("propose") && <Button onPress={() => setLabelling(true)}>{t("rooms.change_label")}</Button>}
        {may("setRetention") && <Button onPress={() => setKeeping(true)}>{t("rooms.change_retention")}</Button>}
        {may("shutDownRoom") && <Button kind="danger" onPress={() => askFor({ title: t("rooms.shut_down"), what: t("rooms.shut_down_what"), action: t("rooms.shut_down"), danger: true, reason: "required", run: shutDown.mutateAsync })}>{t("rooms.shut_down")}</Button>}
      </>
    )}>
      {confirm}
      <Facts rows={[
        [t("field.label"), room.label ? <LabelBadge id={room.label} /> : "–"],
        [t("field.state"), room.shut_down_ts ? t("rooms.closed_at", { time: format.time(room.shut_down_ts) }) : t("rooms.open")],
        [t("rooms.encrypted"), t(room.encrypted ? "state.yes" : "state.no")],
        [t("rooms.members"), format.number(room.members)],
        room.topic ? [t("rooms.topic"), room.topic] : undefined,
        room.creator ? [t("rooms.creator"), <span className="mono">{room.creator}</span>] : undefined,
        room.created_ts ? [t("field.created"), format.time(room.created_ts)] : undefined,
        room.last_event_ts ? [t("rooms.last"), format.time(room.last_event_ts)] : undefined,
        [t("rooms.retention"), room.retention_days ? format.days(room.retention_days) : t("rooms.retention_site")],
      ]} />
      {keeping && (
        <Dialog title={t("rooms.change_retention")} onClose={() => setKeeping(false)}>
          <form className="stack" onSubmit={(event) => { event.preventDefault(); if (!wrong) keep.mutate(days === "" ? null : number); }}>
            <p>{t("rooms.retention_what")}</p>
            <TextField label={t("rooms.retention_days")} value={days} onChange={setDays} max={5} numeric hint={t("rooms.retention_hint")} problem={wrong ? t("rooms.retention_wrong") : undefined} autoFocus />
            {keep.error && <Failed error={keep.error} />}
            <div className="line line-end"><Button onPress={() => setKeeping(false)}>{t("act.cancel")}</Button><Button type="submit" kind="danger-main" isDisabled={wrong || keep.isPending}>{t("act.save")}</Button></div>
          </form>
        </Dialog>
      )}
      {labelling && (
        <Dialog title={t("rooms.change_label")} onClose={() => setLabelling(false)}>
          <form className="stack" onSubmit={(event) => { event.preventDefault(); propose.mutate({ action: "room_label_change", room_id: room.room_id, label }); }}>
            <p>{t("rooms.change_label_what")}</p>
            <Select label={t("field.label")} value={label} onChange={setLabel} options={[["", t("filter.none")], ...labels.map((one) => [one.label, name(one.label) ?? ""] as const)]} />
            {propose.error && <Failed error={propose.error} />}
            <div className="line line-end"><Button onPress={() => setLabelling(false)}>{t("act.cancel")}</Button><Button type="submit" kind="main" isDisabled={label === "" || label === room.label || propose.isPending}>{t("act.propose")}</Button></div>
          </form>
        </Dialog>
      )}
    </Sheet>
  );
}
