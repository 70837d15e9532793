import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { I18nProvider } from "react-aria-components";
import { useTranslation } from "react-i18next";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/fonts";
import { ApiError, api, ask, setCsrf, type Schemas } from "./api/client";
import { App } from "./app";
import { startLanguages } from "./i18n";
import { localeOf } from "./i18n/languages";
import { makeQueryClient, SessionProvider, type Session } from "./session/session";
import { applyTheme } from "./session/theme";
import { Toasts } from "./ui/toasts";

const queries = makeQueryClient();

function Root(props: { site: Schemas["Site"] | undefined; session: Session | undefined; problem: unknown }) {
  const { i18n } = useTranslation();
  return (
    <QueryClientProvider client={queries}>
      <I18nProvider locale={localeOf(i18n.language)}>
        <SessionProvider initial={props.session} site={props.site}>
          <Toasts><App problem={props.problem} /></Toasts>
        </SessionProvider>
      </I18nProvider>
    </QueryClientProvider>
  );
}

async function start() {
  applyTheme();
  await startLanguages();
  let site: Schemas["Site"] | undefined;
  let session: Session | undefined;
  let problem: unknown;
  try {
    site = await ask(api.GET("/site"));
    session = await ask(api.GET("/session"));
    setCsrf(session.csrf);
  } catch (error) {
    // Nobody is signed in: the usual case, and no problem.
    if (!(error instanceof ApiError && error.errcode === "M_UNKNOWN_TOKEN")) problem = error;
  }
  createRoot(document.getElementById("root")!).render(
    <StrictMode><Root site={site} session={session} problem={problem} /></StrictMode>,
  );
}

void start();
