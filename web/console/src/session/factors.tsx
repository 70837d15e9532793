// The second factor: a security key's touch or six digits.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { assertWith } from "../api/webauthn";
import { Button, TextField } from "../ui/controls";
import { Failed, Note } from "../ui/parts";

export function SecondFactor(props: {
  challenge: { factors: readonly ("webauthn" | "totp")[]; webauthn?: Schemas["RequestOptions"] };
  use: (factor: Schemas["SecondFactor"]) => Promise<void>;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  const { challenge } = props;
  const [code, setCode] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState<"key" | "code">();
  const attempt = async (how: "key" | "code", factor: () => Promise<Schemas["SecondFactor"]>) => {
    setBusy(how);
    setError(undefined);
    try {
      await props.use(await factor());
    } catch (problem) {
      setError(problem);
      setBusy(undefined);
    }
  };
  const options = challenge.webauthn;
  return (
    <div className="stack">
      {options && (
        <div className="stack-tight">
          <p>{t("signin.key_what")}</p>
          <Button kind="main" isDisabled={busy !== undefined} autoFocus onPress={() => void attempt("key", async () => ({ webauthn: await assertWith(options) }))}>
            {t("signin.use_key")}
          </Button>
          {busy === "key" && <Note role="status"><p>{t("signin.touch")}</p></Note>}
        </div>
      )}
      {challenge.factors.includes("totp") && (
        <form className="stack-tight" onSubmit={(event) => { event.preventDefault(); void attempt("code", async () => ({ totp: code })); }}>
          <TextField label={t("signin.totp")} value={code} onChange={(value) => setCode(value.replace(/\D/g, ""))} max={6} numeric complete="one-time-code"
            hint={t("signin.totp_hint")} code autoFocus={!options} />
          <Button type="submit" kind={options ? "plain" : "main"} isDisabled={code.length !== 6 || busy !== undefined}>{t("signin.use_totp")}</Button>
        </form>
      )}
      {error !== undefined && <Failed error={error} />}
      <Button kind="quiet" onPress={props.onCancel}>{t("act.cancel")}</Button>
    </div>
  );
}
