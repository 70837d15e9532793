// A person's key for the two-person rule: a security key that is registered here, or the public half of a key in a file.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { registerWith } from "../api/webauthn";
import { Button, TextField } from "../ui/controls";
import { Badge, Failed } from "../ui/parts";

type Key = Schemas["AdministratorKey"];
const pem = /^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/;

// No challenge is checked at registration: two persons look at the key's fingerprint before they take it.
function options(name: string, rpId: string): Schemas["CreationOptions"] {
  const random = (bytes: number) => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return {
    challenge: random(32), rp: { id: rpId, name: rpId }, user: { id: random(16), name, displayName: name },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }], timeout: 120_000, attestation: "none",
    authenticatorSelection: { userVerification: "required", residentKey: "discouraged" }, excludeCredentials: [],
  };
}

export function AdministratorKey(props: { name: string; rpId: string | undefined; value: Key | undefined; onChange: (key: Key | undefined) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>();
  const wrong = text !== "" && !pem.test(text);
  const register = async () => {
    setError(undefined);
    try {
      props.onChange({ webauthn: await registerWith(options(props.name, props.rpId ?? location.hostname)) });
      setText("");
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <fieldset className="stack-tight">
      <legend className="small"><strong>{t("administrators.key")}</strong></legend>
      <p className="small soft">{t("administrators.key_what")}</p>
      <div className="line">
        <Button isDisabled={props.name === ""} onPress={() => void register()}>{t("administrators.register_key")}</Button>
        {props.value && <Badge tone="good">{t("webauthn" in props.value ? "administrators.key_registered" : "administrators.key_pasted")}</Badge>}
      </div>
      {error !== undefined && <Failed error={error} />}
      <TextField label={t("administrators.pem")} lines code value={text} max={4096} problem={wrong ? t("administrators.pem_wrong") : undefined}
        onChange={(value) => { setText(value); props.onChange(pem.test(value) ? { pem: value } : undefined); }} />
    </fieldset>
  );
}

export function RoleChecks(props: { value: Schemas["Role"][]; onChange: (roles: Schemas["Role"][]) => void }) {
  const { t } = useTranslation();
  const all = ["administrator", "security_officer", "auditor"] as const;
  return (
    <fieldset className="stack-tight">
      <legend className="small"><strong>{t("administrators.roles")}</strong></legend>
      {all.map((role) => (
        <label key={role} className="check">
          <input type="checkbox" checked={props.value.includes(role)} onChange={(event) => props.onChange(all.filter((one) => (one === role ? event.target.checked : props.value.includes(one))))} />
          <span><strong>{t(`role.${role}`)}</strong> <span className="small soft">{t(`role_what.${role}`)}</span></span>
        </label>
      ))}
    </fieldset>
  );
}
