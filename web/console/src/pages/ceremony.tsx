// A ceremony of the recovery quorum: holders come to the screen one after the other, each alone.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, api, ask, type Schemas } from "../api/client";
import { useFormats } from "../i18n/format";
import { useAct } from "../session/session";
import { Button, TextField } from "../ui/controls";
import { useConfirm } from "../ui/dialogs";
import { Failed, Loaded, Note, Sheet } from "../ui/parts";

type State = Schemas["Ceremony"];

// None goes on: undefined.
export function useCeremony() {
  return useQuery({
    queryKey: ["ceremony"],
    queryFn: async (): Promise<State | null> => {
      try {
        return await ask(api.GET("/ceremony"));
      } catch (error) {
        if (error instanceof ApiError && error.errcode === "GIMS_KEYD_CEREMONY") return null;
        throw error;
      }
    },
  });
}

export const wordsOf = (text: string) => text.toLowerCase().split(/[^a-z]+/).filter(Boolean);

function Words(props: { label: string; action: string; error: unknown; busy: boolean; onGive: (words: string[]) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const words = wordsOf(text);
  return (
    <form className="stack-tight" onSubmit={(event) => { event.preventDefault(); props.onGive(words); setText(""); }}>
      <TextField label={props.label} value={text} onChange={setText} lines code max={1024} hint={t("ceremony.words_count", { count: words.length })} />
      {props.error ? <Failed error={props.error} /> : null}
      <div className="line line-end"><Button type="submit" kind="main" isDisabled={words.length < 20 || props.busy}>{props.action}</Button></div>
    </form>
  );
}

export function CeremonySheet(props: { finish?: () => void }) {
  const query = useCeremony();
  return <Loaded query={query}>{(state) => state && <Going state={state} {...props} />}</Loaded>;
}

function Going(props: { state: State; finish?: () => void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { state } = props;
  const [shown, setShown] = useState<Schemas["ShareWords"]>();
  const [typing, setTyping] = useState<number>();
  const [done, setDone] = useState<Schemas["CeremonyDone"]>();
  const [confirm, askFor] = useConfirm();
  const touches = ["ceremony", "custody"];
  const give = useAct((words: string[]) => ask(api.POST("/ceremony/give", { body: { words } })), { touches });
  const show = useAct((share: number) => ask(api.POST("/ceremony/show", { body: { share } })), { onDone: setShown });
  const check = useAct((words: string[]) => ask(api.POST("/ceremony/confirm", { body: { share: typing ?? 0, words } })), { touches, onDone: () => setTyping(undefined) });
  const finish = useAct(() => ask(api.POST("/ceremony/finish")), { touches, onDone: setDone });
  const abort = useAct(() => ask(api.DELETE("/ceremony")), { touches });
  if (done) return <Note tone="good" title={t("ceremony.done")}><p lang="en" dir="ltr">{done.text}</p><p className="mono small">{done.site_root_sha256}</p></Note>;
  const next = Array.from({ length: state.shares }, (_, at) => at + 1).find((share) => !state.confirmed.includes(share));
  return (
    <Sheet title={t(`ceremony_kind.${state.kind}`)} acts={<Button kind="danger" onPress={() => askFor({ title: t("ceremony.abort"), what: t("ceremony.abort_what"), action: t("ceremony.abort"), danger: true, run: () => abort.mutateAsync(undefined) })}>{t("ceremony.abort")}</Button>}>
      {confirm}
      <p className="small soft">{t("ceremony.until", { time: format.clock(state.expires_ts) })}</p>
      {state.phase === "collecting" && (
        <>
          <p>{t("ceremony.collect", { given: state.given, needed: state.needed })}</p>
          <Words label={t("ceremony.words")} action={t("ceremony.give")} error={give.error} busy={give.isPending} onGive={(words) => give.mutate(words)} />
        </>
      )}
      {state.phase === "showing" && (
        <>
          <p>{t("ceremony.show_what", { done: state.confirmed.length, shares: state.shares })}</p>
          {shown ? (
            <>
              <h3>{t("ceremony.share", { share: shown.share })}</h3>
              <ol className="words" lang="en">{shown.words.map((word, at) => <li key={at}>{word}</li>)}</ol>
              <div className="line line-end"><Button kind="main" onPress={() => { setTyping(shown.share); setShown(undefined); }}>{t("ceremony.written")}</Button></div>
            </>
          ) : typing ? (
            <>
              <Words label={t("ceremony.again", { share: typing })} action={t("ceremony.check")} error={check.error} busy={check.isPending} onGive={(words) => check.mutate(words)} />
              <Button onPress={() => show.mutate(typing)}>{t("ceremony.once_more")}</Button>
            </>
          ) : next ? (
            <Button kind="main" isDisabled={show.isPending} onPress={() => show.mutate(next)}>{t("ceremony.show", { share: next })}</Button>
          ) : null}
          {show.error && <Failed error={show.error} />}
        </>
      )}
      {state.phase === "ready" && (
        <>
          <p>{t("ceremony.ready")}</p>
          {finish.error && <Failed error={finish.error} />}
          <div className="line line-end"><Button kind="main" isDisabled={finish.isPending} onPress={() => (props.finish ? props.finish() : finish.mutate(undefined))}>{t("ceremony.finish")}</Button></div>
        </>
      )}
    </Sheet>
  );
}
