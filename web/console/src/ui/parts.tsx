// What pages are made of: head, sheet, and the states of what is being read.
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { KeyError } from "../api/webauthn";
import { errcodes } from "../generated/contract";
import { Left, useMay, type Operation } from "../session/session";
import { Button } from "./controls";

export function Page(props: { title: string; about?: ReactNode; acts?: ReactNode; children: ReactNode }) {
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · GIMS`;
  }, [props.title]);
  // Who works by keyboard or screen reader starts at the new page's head.
  useEffect(() => { head.current?.focus({ preventScroll: true }); }, []);
  return (
    <>
      <div className="page-head">
        <div>
          <h1 ref={head} tabIndex={-1}>{props.title}</h1>
          {props.about && <p className="soft">{props.about}</p>}
        </div>
        {props.acts && <div className="line no-print">{props.acts}</div>}
      </div>
      {props.children}
    </>
  );
}

export function Sheet(props: { title?: ReactNode; acts?: ReactNode; children: ReactNode }) {
  return (
    <section className="sheet">
      {(props.title || props.acts) && (
        <div className="line spread">
          <h2>{props.title}</h2>
          {props.acts && <div className="line">{props.acts}</div>}
        </div>
      )}
      {props.children}
    </section>
  );
}

export type Tone = "neutral" | "good" | "warn" | "bad";
export function Badge(props: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge badge-${props.tone ?? "neutral"}`}>{props.children}</span>;
}

export function Note(props: { tone?: Tone; title?: string; children: ReactNode; role?: "alert" | "status" }) {
  return (
    <div className={`note note-${props.tone ?? "neutral"}`} role={props.role}>
      {props.title && <h3>{props.title}</h3>}
      {props.children}
    </div>
  );
}

export function Facts(props: { rows: readonly (readonly [string, ReactNode] | undefined)[] }) {
  return (
    <dl className="facts">
      {props.rows.map((row) => row && <div key={row[0]} style={{ display: "contents" }}><dt>{row[0]}</dt><dd>{row[1]}</dd></div>)}
    </dl>
  );
}

export function Figure(props: { label: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div className="figure">
      <span className="small soft">{props.label}</span>
      <strong>{props.children}</strong>
      {props.note && <span className="small soft">{props.note}</span>}
    </div>
  );
}

export function Loading() {
  const { t } = useTranslation();
  return <div className="empty" role="status"><span className="busy">{t("state.loading")}</span></div>;
}

export function Empty(props: { children: ReactNode; acts?: ReactNode }) {
  return <div className="empty"><p>{props.children}</p>{props.acts}</div>;
}

// Cause and mend in the reader's language, by the code; gimsd's own words below it.
export function useErrorText(): (error: unknown) => { text: string; detail: string } {
  const { t } = useTranslation();
  return (error) => {
    if (error instanceof KeyError) return { text: t(`key_error.${error.reason}`), detail: "" };
    if (!(error instanceof ApiError)) return { text: t("error.NETWORK"), detail: error instanceof Error ? error.message : "" };
    const known = error.errcode === "NETWORK" || (errcodes as readonly string[]).includes(error.errcode);
    const code = known ? error.errcode : "M_UNKNOWN";
    return { text: t(`error.${code}`), detail: error.message };
  };
}

export function Failed(props: { error: unknown; again?: () => void }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText()(props.error);
  if (props.error instanceof Left) return null;
  return (
    <Note tone="bad" role="alert">
      <p>{text}</p>
      {detail && <p className="small" lang="en" dir="ltr">{detail}</p>}
      {props.again && <Button onPress={props.again}>{t("act.again")}</Button>}
    </Note>
  );
}

export function Loaded<T>(props: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  const { query } = props;
  if (query.data !== undefined) {
    return <>{query.error && <Failed error={query.error} again={() => void query.refetch()} />}{props.children(query.data)}</>;
  }
  if (query.error) return <Failed error={query.error} again={() => void query.refetch()} />;
  return <Loading />;
}

// A page that is nothing without an act: who may not do it is told so, and who may.
export function Needs(props: { operation: Operation; children: ReactNode }) {
  const { t } = useTranslation();
  const may = useMay();
  if (may(props.operation)) return props.children;
  return <Note tone="warn" title={t("state.no_permission")}><p>{t("state.no_permission_what")}</p></Note>;
}
