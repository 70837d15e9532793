// Dialogs: focus goes in, stays in, and comes back; Escape leaves.
import { useState, type ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Button } from "./controls";
import { TextField } from "./controls";
import { Failed } from "./parts";
import { Left } from "../session/session";

export function Dialog(props: { title: string; onClose: () => void; wide?: boolean; alert?: boolean; children: ReactNode }) {
  return (
    <ModalOverlay className="veil" isOpen onOpenChange={(open) => !open && props.onClose()} isDismissable={!props.alert}>
      <Modal className={`modal ${props.wide ? "modal-wide" : ""}`}>
        <AriaDialog role={props.alert ? "alertdialog" : "dialog"}>
          <Heading slot="title" level={2}>{props.title}</Heading>
          {props.children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface Question {
  title: string;
  // What will happen, plainly.
  what: ReactNode;
  action: string;
  danger?: boolean;
  // Asks for a reason, which goes into the audit log.
  reason?: boolean | "required";
  // Must be typed before the act, for what cannot be taken back.
  typed?: string;
  run: (reason: string) => Promise<unknown>;
}

export function Confirm(props: { question: Question; onClose: () => void }) {
  const { t } = useTranslation();
  const { question, onClose } = props;
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const ready = (!question.typed || typed === question.typed) && (question.reason !== "required" || reason.trim() !== "");
  const run = async () => {
    if (!ready || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await question.run(reason.trim());
      onClose();
    } catch (problem) {
      if (!(problem instanceof Left)) setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={question.title} onClose={onClose} alert={question.danger ?? false}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); void run(); }}>
        <div className="stack-tight">{typeof question.what === "string" ? <p>{question.what}</p> : question.what}</div>
        {question.reason && (
          <TextField label={t(question.reason === "required" ? "field.reason" : "field.reason_optional")} value={reason} onChange={setReason} max={256} />
        )}
        {question.typed && <TextField label={t("field.type_to_confirm", { text: question.typed })} value={typed} onChange={setTyped} code />}
        {error !== undefined && <Failed error={error} />}
        <div className="line line-end">
          <Button onPress={onClose}>{t("act.cancel")}</Button>
          <Button type="submit" kind={question.danger ? "danger-main" : "main"} isDisabled={!ready || busy}>{question.action}</Button>
        </div>
      </form>
    </Dialog>
  );
}

// A page's one open question.
export function useConfirm(): [ReactNode, (question: Question) => void] {
  const [question, setQuestion] = useState<Question>();
  return [question && <Confirm question={question} onClose={() => setQuestion(undefined)} />, setQuestion];
}
