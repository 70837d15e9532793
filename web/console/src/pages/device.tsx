// A device and what can be done with it: lock one that was lost, approve a new one, end it, wipe it.
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct, useMay } from "../session/session";
import { Button } from "../ui/controls";
import { useConfirm } from "../ui/dialogs";
import { Badge, Facts } from "../ui/parts";
import { useTell } from "../ui/toasts";
import { deviceTones, usePropose } from "./shared";

export function DeviceCard(props: { userId: string; device: Schemas["Device"] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const tell = useTell();
  const [confirm, askFor] = useConfirm();
  const { device } = props;
  const state = device.state ?? "approved";
  const params = { path: { userId: props.userId, deviceId: device.device_id } };
  const body = (reason: string) => (reason ? { reason } : {});
  const told = { touches: ["users", "devices"], onDone: () => tell(t("act.done")) };
  const approve = useAct((reason: string) => ask(api.POST("/users/{userId}/devices/{deviceId}/approve", { params, body: body(reason) })), told);
  const lock = useAct((reason: string) => ask(api.POST("/users/{userId}/devices/{deviceId}/lock", { params, body: body(reason) })), told);
  const unlock = useAct((reason: string) => ask(api.POST("/users/{userId}/devices/{deviceId}/unlock", { params, body: body(reason) })), told);
  const revoke = useAct(() => ask(api.DELETE("/users/{userId}/devices/{deviceId}", { params })), told);
  const propose = usePropose();
  const alive = state === "pending" || state === "approved" || state === "locked";
  return (
    <div className="stack-tight">
      {confirm}
      <div className="line spread">
        <div className="line"><strong>{device.display_name ?? device.device_id}</strong><Badge tone={deviceTones[state]}>{t(`device_state.${state}`)}</Badge></div>
        <div className="line">
          {state === "pending" && may("approveDevice") && <Button kind="main" onPress={() => askFor({ title: t("device.approve"), what: t("device.approve_what"), action: t("device.approve"), run: approve.mutateAsync })}>{t("device.approve")}</Button>}
          {state === "locked" && may("unlockDevice") && <Button onPress={() => askFor({ title: t("device.unlock"), what: t("device.unlock_what"), action: t("device.unlock"), reason: true, run: unlock.mutateAsync })}>{t("device.unlock")}</Button>}
          {state === "approved" && may("lockDevice") && <Button kind="danger" onPress={() => askFor({ title: t("device.lock"), what: t("device.lock_what"), action: t("device.lock"), danger: true, reason: true, run: lock.mutateAsync })}>{t("device.lock")}</Button>}
          {alive && may("revokeDevice") && <Button kind="danger" onPress={() => askFor({ title: t("device.revoke"), what: t("device.revoke_what"), action: t("device.revoke"), danger: true, run: () => revoke.mutateAsync(undefined) })}>{t("device.revoke")}</Button>}
          {alive && may("propose") && <Button kind="danger" onPress={() => askFor({ title: t("device.wipe"), what: t("device.wipe_what"), action: t("act.propose"), danger: true,
            run: () => propose.mutateAsync({ action: "device_wipe", user_id: props.userId, device_id: device.device_id }) })}>{t("device.wipe")}</Button>}
        </div>
      </div>
      <Facts rows={[
        [t("field.device_id"), <span className="mono">{device.device_id}</span>],
        [t("field.last_seen"), device.last_seen_ts ? `${format.time(device.last_seen_ts)}` : t("state.never")],
        device.last_seen_ip ? [t("field.address"), <span className="mono">{device.last_seen_ip}</span>] : undefined,
        device.last_seen_agent ? [t("field.client"), <span lang="en" dir="ltr">{device.last_seen_agent}</span>] : undefined,
        device.verified === undefined ? undefined : [t("device.verified"), t(device.verified ? "state.yes" : "state.no")],
        device.certificate_expires_ts ? [t("device.certificate_until"), format.day(device.certificate_expires_ts)] : undefined,
        [t("field.created"), format.time(device.created_ts)],
      ]} />
    </div>
  );
}
