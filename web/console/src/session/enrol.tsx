// Registering a second factor: at the first sign-in, and for one's own account.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { registerWith } from "../api/webauthn";
import { Button, TextField } from "../ui/controls";
import { Failed, Note } from "../ui/parts";
import { Qr } from "../ui/qr";
import { Left } from "./session";

export function EnrolFactor(props: {
  start: (factor: "webauthn" | "totp") => Promise<Schemas["FactorOptions"]>;
  finish: (factor: Schemas["NewFactor"]) => Promise<unknown>;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  const [label, setLabel] = useState("");
  const [totp, setTotp] = useState<NonNullable<Schemas["FactorOptions"]["totp"]>>();
  const [code, setCode] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const attempt = async (run: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await run();
    } catch (problem) {
      if (!(problem instanceof Left)) setError(problem);
    }
    setBusy(false);
  };
  const withKey = () => attempt(async () => {
    const options = await props.start("webauthn");
    if (options.webauthn) await props.finish({ webauthn: await registerWith(options.webauthn), label: label.trim() });
  });
  return (
    <div className="stack">
      {totp ? (
        <form className="stack" onSubmit={(event) => { event.preventDefault(); void attempt(() => props.finish({ totp: code })); }}>
          <p>{t("enrol.totp_what")}</p>
          <Qr text={totp.uri} label={t("enrol.totp_qr")} />
          <p>{t("enrol.totp_secret")} <span className="mono">{totp.secret}</span></p>
          <TextField label={t("signin.totp")} value={code} onChange={(value) => setCode(value.replace(/\D/g, ""))} max={6} numeric complete="one-time-code" code autoFocus />
          <Button type="submit" kind="main" isDisabled={code.length !== 6 || busy}>{t("enrol.finish")}</Button>
        </form>
      ) : (
        <>
          <form className="stack-tight" onSubmit={(event) => { event.preventDefault(); void withKey(); }}>
            <TextField label={t("enrol.label")} value={label} onChange={setLabel} max={64} hint={t("enrol.label_hint")} />
            <Button type="submit" kind="main" isDisabled={label.trim() === "" || busy}>{t("enrol.key")}</Button>
          </form>
          {busy && <Note role="status"><p>{t("signin.touch")}</p></Note>}
          <Button isDisabled={busy} onPress={() => void attempt(async () => setTotp((await props.start("totp")).totp))}>{t("enrol.totp")}</Button>
        </>
      )}
      {error !== undefined && <Failed error={error} />}
      <Button kind="quiet" onPress={props.onCancel}>{t("act.cancel")}</Button>
    </div>
  );
}
