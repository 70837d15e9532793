// Acts that take two persons: what waits, and each person's yes with the security key, which gims-keyd itself verifies.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useState } from "react";
import { api, ask, type Schemas } from "../api/client";
import { assertWith } from "../api/webauthn";
import { useFormats } from "../i18n/format";
import { useAct, useMay, useSession } from "../session/session";
import { Button } from "../ui/controls";
import { Dialog, useConfirm } from "../ui/dialogs";
import { Badge, Empty, Facts, Failed, Loaded, Note, Page, type Tone } from "../ui/parts";
import { useTell } from "../ui/toasts";

type Proposal = Schemas["Proposal"];
const tones: Record<Proposal["state"], Tone> = { waiting: "warn", approved: "warn", done: "good", failed: "bad", withdrawn: "neutral", expired: "neutral" };

export default function Proposals() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["proposals"], queryFn: () => ask(api.GET("/proposals")), refetchInterval: 5_000 });
  return (
    <Page title={t("nav.proposals")} about={t("proposals.about")}>
      <Loaded query={query}>{({ proposals }) => {
        const open = proposals.filter((one) => one.state === "waiting" || one.redeemable);
        const over = proposals.filter((one) => !open.includes(one));
        return (
          <>
            {open.length === 0 && <div className="sheet"><Empty>{t("proposals.none")}</Empty></div>}
            {open.map((one) => <Card key={one.proposal_id} proposal={one} />)}
            {over.length > 0 && <h2>{t("proposals.over")}</h2>}
            {over.map((one) => <Card key={one.proposal_id} proposal={one} />)}
          </>
        );
      }}</Loaded>
    </Page>
  );
}

function Card(props: { proposal: Proposal }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const tell = useTell();
  const { session } = useSession();
  const { proposal } = props;
  const [approving, setApproving] = useState(false);
  const [confirm, askFor] = useConfirm();
  const params = { path: { proposalId: proposal.proposal_id } };
  const touches = ["proposals", "users", "devices", "rooms", "labels", "administrators", "backups", "jobs", "custody"];
  const redeem = useAct(() => ask(api.POST("/proposals/{proposalId}/redeem", { params })), { touches, onDone: (done) => tell(done.text || t("act.done")) });
  const withdraw = useAct(() => ask(api.DELETE("/proposals/{proposalId}", { params })), { touches: ["proposals"] });
  const mine = session ? proposal.approved_by.includes(session.name) : false;
  const waiting = proposal.state === "waiting";
  return (
    <section className="sheet" aria-label={t(`proposal.${proposal.action}`)}>
      {confirm}
      <div className="line spread">
        <h2>{t(`proposal.${proposal.action}`)}</h2>
        <Badge tone={tones[proposal.state]}>{t(`proposal_state.${proposal.state}`)}</Badge>
      </div>
      <p lang="en" dir="ltr">{proposal.text}</p>
      <Facts rows={[
        [t("proposals.by"), `${proposal.proposed_by} · ${format.time(proposal.proposed_ts)}`],
        [t("proposals.approved_by"), proposal.approved_by.length ? proposal.approved_by.join(", ") : t("proposals.nobody")],
        waiting || proposal.redeemable ? [t("proposals.until"), format.exact(proposal.expires_ts)] : undefined,
        proposal.outcome ? [t("proposals.outcome"), <span lang="en" dir="ltr">{proposal.outcome}</span>] : undefined,
      ]} />
      {redeem.error && <Failed error={redeem.error} />}
      <div className="line line-end">
        {waiting && may("withdrawProposal") && <Button onPress={() => askFor({ title: t("proposals.withdraw"), what: t("proposals.withdraw_what"), action: t("proposals.withdraw"), run: () => withdraw.mutateAsync(undefined) })}>{t("proposals.withdraw")}</Button>}
        {waiting && may("approve") && !mine && <Button kind="main" onPress={() => setApproving(true)}>{t("proposals.approve")}</Button>}
        {waiting && mine && <span className="soft">{t("proposals.yours_given")}</span>}
        {proposal.redeemable && may("redeem") && mine && <Button kind="danger-main" isDisabled={redeem.isPending} onPress={() => redeem.mutate(undefined)}>{t("proposals.redeem")}</Button>}
      </div>
      {approving && <Approve proposal={proposal} onClose={() => setApproving(false)} />}
    </section>
  );
}

function Approve(props: { proposal: Proposal; onClose: () => void }) {
  const { t } = useTranslation();
  const tell = useTell();
  const { proposal } = props;
  const params = { path: { proposalId: proposal.proposal_id } };
  const approve = useAct(async () => {
    const { webauthn } = await ask(api.POST("/proposals/{proposalId}/approve/start", { params }));
    return ask(api.POST("/proposals/{proposalId}/approve", { params, body: { webauthn: await assertWith(webauthn) } }));
  }, {
    touches: ["proposals", "administrators", "custody"],
    onDone: (done) => {
      tell(done.missing > 0 ? t("proposals.one_more") : done.proposal.redeemable ? t("proposals.ready") : t("proposals.was_done"));
      props.onClose();
    },
  });
  return (
    <Dialog title={t("proposals.approve")} alert onClose={props.onClose}>
      <p>{t("proposals.approve_what")}</p>
      <Note tone="warn" title={t(`proposal.${proposal.action}`)}><p lang="en" dir="ltr">{proposal.text}</p></Note>
      <p className="small soft">{t("proposals.challenge")} <span className="mono">{proposal.challenge}</span></p>
      {approve.isPending && <Note role="status"><p>{t("signin.touch")}</p></Note>}
      {approve.error && <Failed error={approve.error} />}
      <div className="line line-end">
        <Button onPress={props.onClose}>{t("act.cancel")}</Button>
        <Button kind="main" isDisabled={approve.isPending} onPress={() => approve.mutate(undefined)}>{t("proposals.approve_with_key")}</Button>
      </div>
    </Dialog>
  );
}
