// All devices of the site, those seen last first.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { Button as AriaButton } from "react-aria-components";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { Select, TextField } from "../ui/controls";
import { Dialog } from "../ui/dialogs";
import { List, useRows, type Column } from "../ui/list";
import { Badge, Figure, Page } from "../ui/parts";
import { DeviceCard } from "./device";
import { useLate } from "./late";
import { deviceTones, localpart, useOrganisation } from "./shared";

type Row = Schemas["SiteDevice"];
type State = Schemas["DeviceState"];
const states: readonly State[] = ["pending", "approved", "locked", "revoked", "wiping", "wiped"];

export default function Devices() {
  const { t } = useTranslation();
  const format = useFormats();
  const organisation = useOrganisation();
  const [query, setQuery] = useSearchParams();
  const [q, typed, setTyped] = useLate("");
  const [counts, setCounts] = useState<Schemas["SiteDevices"]["counts"]>();
  const [shown, setShown] = useState<Row>();
  const state = (query.get("state") ?? "") as State | "";
  const rows = useRows<Row>(["devices", q, state], async (after) => {
    const page = await ask(api.GET("/devices", { params: { query: { limit: 500, ...(after !== undefined ? { after: String(after) } : {}), ...(q ? { q } : {}), ...(state ? { state } : {}) } } }));
    if (page.counts) setCounts(page.counts);
    return { rows: page.devices, next: page.next, total: page.total };
  });
  const columns: Column<Row>[] = [
    { key: "device", head: t("field.device"), width: "minmax(12rem, 1.5fr)", cell: (row) => (
      <span className="two-lines">
        <AriaButton className="button button-quiet link-like" onPress={() => setShown(row)}>{row.device.display_name ?? row.device.device_id}</AriaButton>
        <span className="small soft mono">{row.device.device_id}</span>
      </span>
    ) },
    { key: "officer", head: t("field.officer"), width: "minmax(12rem, 1.5fr)", cell: (row) => (
      <span className="two-lines"><Link to={`/officers/${encodeURIComponent(row.user_id)}`}>{row.display_name ?? localpart(row.user_id)}</Link><span className="small soft">{organisation.unit(row.unit_id)}</span></span>
    ) },
    { key: "state", head: t("field.state"), width: "9rem", cell: (row) => row.device.state && <Badge tone={deviceTones[row.device.state]}>{t(`device_state.${row.device.state}`)}</Badge> },
    { key: "seen", head: t("field.last_seen"), width: "11.5rem", cell: (row) => (row.device.last_seen_ts ? format.time(row.device.last_seen_ts) : t("state.never")) },
    { key: "address", head: t("field.address"), width: "9rem", cell: (row) => row.device.last_seen_ip && <span className="mono">{row.device.last_seen_ip}</span> },
    { key: "client", head: t("field.client"), width: "minmax(10rem, 1fr)", cell: (row) => row.device.last_seen_agent && <span className="nowrap small" lang="en" dir="ltr">{row.device.last_seen_agent}</span> },
  ];
  return (
    <Page title={t("nav.devices")} about={t("devices.about")}>
      {counts && <div className="figures">{states.map((one) => <Figure key={one} label={t(`device_state.${one}`)}>{format.number(counts[one])}</Figure>)}</div>}
      <div className="filters" role="search">
        <TextField className="field-search" label={t("field.search")} type="search" value={typed} onChange={setTyped} max={128} />
        <Select label={t("field.state")} value={state} onChange={(value) => setQuery(value ? { state: value } : {}, { replace: true })}
          options={[["", t("filter.all")], ...states.map((one) => [one, t(`device_state.${one}`)] as const)]} />
      </div>
      <List label={t("nav.devices")} of={rows} columns={columns} rowKey={(row) => `${row.user_id} ${row.device.device_id}`} empty={t(q || state ? "devices.none_found" : "devices.none")} />
      {shown && (
        <Dialog title={shown.display_name ?? localpart(shown.user_id)} wide onClose={() => setShown(undefined)}>
          <DeviceCard userId={shown.user_id} device={shown.device} />
        </Dialog>
      )}
    </Page>
  );
}
