// Passphrase and second factor once more, before an act that asks for it.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { Button, TextField } from "../ui/controls";
import { Dialog } from "../ui/dialogs";
import { Failed } from "../ui/parts";
import { SecondFactor } from "./factors";
import { useSession } from "./session";

export function FreshDialog() {
  const { asking } = useSession();
  return asking ? <Asked done={asking} /> : null;
}

function Asked(props: { done: (fresh: boolean) => void }) {
  const { t } = useTranslation();
  const { setSession } = useSession();
  const [passphrase, setPassphrase] = useState("");
  const [challenge, setChallenge] = useState<Schemas["FreshChallenge"]>();
  const [error, setError] = useState<unknown>();
  const leave = () => props.done(false);
  const begin = async () => {
    setError(undefined);
    try {
      setChallenge(await ask(api.POST("/session/fresh/start", { body: { passphrase } })));
      setPassphrase("");
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog title={t("fresh.title")} onClose={leave}>
      <p>{t("fresh.what")}</p>
      {challenge ? (
        <SecondFactor challenge={challenge} onCancel={leave} use={async (factor) => {
          setSession(await ask(api.POST("/session/fresh/finish", { body: { fresh: challenge.fresh, factor } })));
          props.done(true);
        }} />
      ) : (
        <form className="stack" onSubmit={(event) => { event.preventDefault(); void begin(); }}>
          <TextField label={t("field.passphrase")} type="password" value={passphrase} onChange={setPassphrase} max={256} autoFocus complete="current-password" />
          {error !== undefined && <Failed error={error} />}
          <div className="line line-end">
            <Button onPress={leave}>{t("act.cancel")}</Button>
            <Button type="submit" kind="main" isDisabled={passphrase === ""}>{t("act.continue")}</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
