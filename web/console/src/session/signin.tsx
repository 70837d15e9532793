// Signing in: passphrase, then security key or TOTP; by invitation the first time.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { offered, setLanguage } from "../i18n";
import type { Language } from "../i18n/languages";
import { Button, Select, TextField } from "../ui/controls";
import { Failed, Note } from "../ui/parts";
import { EnrolFactor } from "./enrol";
import { SecondFactor } from "./factors";
import { useSession } from "./session";

export function LanguageSelect(props: { onChosen?: (code: Language) => void }) {
  const { t, i18n } = useTranslation();
  return (
    <Select label={t("field.language")} value={i18n.language as Language} options={offered.map((one) => [one.code, one.name] as const)}
      onChange={(code) => { void setLanguage(code).then(() => props.onChosen?.(code)); }} />
  );
}

export function SignIn(props: { problem: unknown }) {
  const { t } = useTranslation();
  const { site, setSession } = useSession();
  const [invited, setInvited] = useState(false);
  const [challenge, setChallenge] = useState<Schemas["SigninChallenge"]>();
  const title = t("signin.title");
  useEffect(() => { document.title = `${title} · GIMS`; }, [title]);
  const again = () => setChallenge(undefined);
  return (
    <main className="full-page">
      <div className="sheet">
        <div className="line spread">
          <div className="line"><img src="/icon.svg" alt="" width="36" height="36" /><div><strong>{site?.organisation ?? "GIMS"}</strong><br /><span className="soft mono">{site?.server_name}</span></div></div>
        </div>
        <h1>{title}</h1>
        {site === undefined && props.problem !== undefined && <Failed error={props.problem} again={() => location.reload()} />}
        {site?.banner && <Note><p>{site.banner}</p></Note>}
        {site?.state === "locked" && <Note tone="warn" title={t("site_state.locked")}><p>{t("signin.locked")}</p>{site.reason && <p className="small" lang="en" dir="ltr">{site.reason}</p>}</Note>}
        {site?.state === "zeroized" && <Note tone="bad" title={t("site_state.zeroized")}><p>{t("signin.zeroized")}</p></Note>}
        {challenge === undefined && <First key={String(invited)} invited={invited} onDone={setChallenge} />}
        {challenge !== undefined && challenge.factors.length > 0 && (
          <SecondFactor challenge={challenge} onCancel={again} use={async (factor) =>
            setSession(await ask(api.POST("/signin/finish", { body: { signin: challenge.signin, factor } })))} />
        )}
        {challenge !== undefined && challenge.factors.length === 0 && (
          <>
            <p>{t("signin.register_what")}</p>
            <EnrolFactor onCancel={again}
              start={(factor) => ask(api.POST("/signin/register/start", { body: { signin: challenge.signin, factor } }))}
              finish={async (factor) => setSession(await ask(api.POST("/signin/register/finish", { body: { signin: challenge.signin, factor } })))} />
          </>
        )}
        {challenge === undefined && <Button kind="quiet" onPress={() => setInvited(!invited)}>{t(invited ? "signin.not_invited" : "signin.invited")}</Button>}
        <LanguageSelect />
      </div>
    </main>
  );
}

function First(props: { invited: boolean; onDone: (challenge: Schemas["SigninChallenge"]) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [code, setCode] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [twice, setTwice] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const differ = props.invited && twice !== "" && twice !== passphrase;
  const ready = name !== "" && passphrase !== "" && (!props.invited || (code.length >= 16 && passphrase.length >= 12 && twice === passphrase));
  const go = async () => {
    setBusy(true);
    setError(undefined);
    try {
      props.onDone(await ask(props.invited
        ? api.POST("/signin/invited", { body: { name, code: code.trim().toUpperCase(), passphrase } })
        : api.POST("/signin/start", { body: { name, passphrase } })));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); if (ready && !busy) void go(); }}>
      <TextField label={t("field.your_name")} value={name} onChange={setName} max={64} complete="username" autoFocus />
      {props.invited && <TextField label={t("signin.code")} value={code} onChange={setCode} max={24} hint={t("signin.code_hint")} code />}
      <TextField label={t(props.invited ? "field.new_passphrase" : "field.passphrase")} type="password" value={passphrase} onChange={setPassphrase} max={256}
        complete={props.invited ? "new-password" : "current-password"} hint={props.invited ? t("field.passphrase_hint") : undefined} />
      {props.invited && <TextField label={t("field.passphrase_again")} type="password" value={twice} onChange={setTwice} max={256} complete="new-password"
        problem={differ ? t("field.passphrase_differs") : undefined} />}
      {error !== undefined && <Failed error={error} />}
      <Button type="submit" kind="main" isDisabled={!ready || busy}>{t("act.continue")}</Button>
    </form>
  );
}
