// One's own account: language, look, passphrase, second factors.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { EnrolFactor } from "../session/enrol";
import { useAct } from "../session/session";
import { LanguageSelect } from "../session/signin";
import { applyTheme, theme, type Theme } from "../session/theme";
import { Button, Select, TextField } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { Facts, Failed, Loaded, Page, Sheet } from "../ui/parts";
import { useTell } from "../ui/toasts";

export default function Account() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["me"], queryFn: () => ask(api.GET("/me")) });
  const [look, setLook] = useState<Theme>(theme());
  const language = useAct((code: Schemas["Language"]) => ask(api.PUT("/me/language", { body: { language: code } })));
  return (
    <Page title={t("nav.account")} about={t("account.about")}>
      <Loaded query={query}>{(me) => (
        <div className="grid grid-wide">
          <Sheet title={me.name}>
            <Facts rows={[[t("administrators.roles"), me.roles.map((role) => t(`role.${role}`)).join(", ")]]} />
            <LanguageSelect onChosen={(code) => language.mutate(code)} />
            {language.error && <Failed error={language.error} />}
            <Select label={t("account.look")} value={look} onChange={(next) => { setLook(next); applyTheme(next); }} options={(["system", "light", "dark"] as const).map((one) => [one, t(`look.${one}`)] as const)} />
          </Sheet>
          <Passphrase />
          <Factors me={me} />
        </div>
      )}</Loaded>
    </Page>
  );
}

function Passphrase() {
  const { t } = useTranslation();
  const tell = useTell();
  const [one, setOne] = useState("");
  const [two, setTwo] = useState("");
  const change = useAct((passphrase: string) => ask(api.POST("/me/passphrase", { body: { passphrase } })), { touches: ["sessions"], onDone: () => { setOne(""); setTwo(""); tell(t("act.done")); } });
  const differ = two !== "" && one !== two;
  return (
    <Sheet title={t("account.passphrase")}>
      <p className="soft">{t("account.passphrase_what")}</p>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (one === two) change.mutate(one); }}>
        <TextField label={t("field.new_passphrase")} type="password" value={one} onChange={setOne} max={256} hint={t("field.passphrase_hint")} complete="new-password" />
        <TextField label={t("field.passphrase_again")} type="password" value={two} onChange={setTwo} max={256} complete="new-password" problem={differ ? t("field.passphrase_differs") : undefined} />
        {change.error && <Failed error={change.error} />}
        <div className="line line-end"><Button type="submit" kind="main" isDisabled={one.length < 12 || one !== two || change.isPending}>{t("act.save")}</Button></div>
      </form>
    </Sheet>
  );
}

function Factors(props: { me: Schemas["Me"] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { me } = props;
  const [adding, setAdding] = useState(false);
  const [confirm, askFor] = useConfirm();
  const touches = ["me"];
  const start = useAct((factor: "webauthn" | "totp") => ask(api.POST("/me/factors/start", { body: { factor } })));
  const finish = useAct((factor: Schemas["NewFactor"]) => ask(api.POST("/me/factors/finish", { body: factor })), { touches, onDone: () => setAdding(false) });
  const dropKey = useAct((credentialId: string) => ask(api.DELETE("/me/factors/webauthn/{credentialId}", { params: { path: { credentialId } } })), { touches });
  const dropTotp = useAct(() => ask(api.DELETE("/me/factors/totp")), { touches });
  const several = me.credentials.length + (me.totp ? 1 : 0) > 1;
  return (
    <Sheet title={t("account.factors")} acts={<Button onPress={() => setAdding(true)}>{t("account.add_factor")}</Button>}>
      {confirm}
      <ul className="rows">
        {me.credentials.map((credential) => (
          <li key={credential.credential_id} className="line spread">
            <span><strong>{credential.label}</strong><br /><span className="small soft">{t("factor.webauthn")} · {format.day(credential.added_ts)}</span></span>
            {several && <Button kind="danger" aria-label={t("act.remove_of", { name: credential.label })} onPress={() => askFor({ title: t("act.remove_of", { name: credential.label }), what: t("account.remove_what"), action: t("act.remove"), danger: true, run: () => dropKey.mutateAsync(credential.credential_id) })}>{t("act.remove")}</Button>}
          </li>
        ))}
        {me.totp && (
          <li className="line spread">
            <strong>{t("factor.totp")}</strong>
            {several && <Button kind="danger" aria-label={t("act.remove_of", { name: t("factor.totp") })} onPress={() => askFor({ title: t("act.remove_of", { name: t("factor.totp") }), what: t("account.remove_what"), action: t("act.remove"), danger: true, run: () => dropTotp.mutateAsync(undefined) })}>{t("act.remove")}</Button>}
          </li>
        )}
      </ul>
      {adding && (
        <Dialog title={t("account.add_factor")} onClose={() => setAdding(false)}>
          <EnrolFactor start={start.mutateAsync} finish={finish.mutateAsync} onCancel={() => setAdding(false)} />
        </Dialog>
      )}
    </Sheet>
  );
}
