// Rooms of the site: what the server knows of them, never what was written.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { Select, TextField } from "../ui/controls";
import { List, useRows, type Column } from "../ui/list";
import { Badge, Page } from "../ui/parts";
import { useLate } from "./late";
import { LabelBadge, useLabels } from "./shared";

type Room = Schemas["RoomSummary"];

export default function Rooms() {
  const { t } = useTranslation();
  const format = useFormats();
  const { labels, name } = useLabels();
  const [q, typed, setTyped] = useLate("");
  const [label, setLabel] = useState("");
  const rows = useRows<Room>(["rooms", q, label], async (after) => {
    const page = await ask(api.GET("/rooms", { params: { query: { limit: 200, ...(after !== undefined ? { after: String(after) } : {}), ...(q ? { q } : {}), ...(label ? { label } : {}) } } }));
    return { rows: page.rooms, next: page.next, total: page.total };
  });
  const columns: Column<Room>[] = [
    { key: "name", head: t("field.room"), width: "minmax(14rem, 2fr)", cell: (room) => (
      <span className="two-lines"><Link to={`/rooms/${encodeURIComponent(room.room_id)}`}>{room.name ?? t(room.direct ? "rooms.direct" : "rooms.unnamed")}</Link><span className="small soft mono">{room.room_id}</span></span>
    ) },
    { key: "label", head: t("field.label"), width: "9rem", cell: (room) => room.label && <LabelBadge id={room.label} /> },
    { key: "members", head: t("rooms.members"), width: "6rem", cell: (room) => format.number(room.members) },
    { key: "last", head: t("rooms.last"), width: "11.5rem", cell: (room) => (room.last_event_ts ? format.time(room.last_event_ts) : "–") },
    { key: "keep", head: t("rooms.retention"), width: "9rem", cell: (room) => (room.retention_days ? format.days(room.retention_days) : t("rooms.retention_site")) },
    { key: "state", head: t("field.state"), width: "9rem", cell: (room) => (room.shut_down_ts ? <Badge tone="bad">{t("rooms.closed")}</Badge> : <Badge tone="good">{t("rooms.open")}</Badge>) },
  ];
  return (
    <Page title={t("nav.rooms")} about={t("rooms.about")}>
      <div className="filters" role="search">
        <TextField className="field-search" label={t("field.search")} type="search" value={typed} onChange={setTyped} max={128} />
        <Select label={t("field.label")} value={label} onChange={setLabel} options={[["", t("filter.all")], ...labels.map((one) => [one.label, name(one.label) ?? ""] as const)]} />
      </div>
      <List label={t("nav.rooms")} of={rows} columns={columns} rowKey={(room) => room.room_id} empty={t(q || label ? "rooms.none_found" : "rooms.none")} />
    </Page>
  );
}
