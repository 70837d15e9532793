import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useRef, useState, type ComponentType } from "react";
import { Dialog as AriaDialog, Modal, ModalOverlay } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { createHashRouter, Link, NavLink, Outlet, useLocation, useRouteError } from "react-router";
import { RouterProvider } from "react-router/dom";
import { ApiError, api, ask } from "./api/client";
import { useFormats } from "./i18n/format";
import { setLanguage } from "./i18n";
import { FreshDialog } from "./session/fresh";
import { useSession } from "./session/session";
import { SignIn } from "./session/signin";
import { Button } from "./ui/controls";
import { Failed, Loading, Note, Page } from "./ui/parts";

const page = (load: () => Promise<{ default: ComponentType }>) => {
  const Lazy = lazy(load);
  return <Lazy />;
};
const SetupPage = lazy(() => import("./pages/setup"));

const pages = [
  { path: "", element: page(() => import("./pages/overview")) },
  { path: "officers", element: page(() => import("./pages/officers")) },
  { path: "officers/import", element: page(() => import("./pages/import")) },
  { path: "officers/:userId", element: page(() => import("./pages/officer")) },
  { path: "organisation", element: page(() => import("./pages/organisation")) },
  { path: "slips", element: page(() => import("./pages/slips")) },
  { path: "devices", element: page(() => import("./pages/devices")) },
  { path: "rooms", element: page(() => import("./pages/rooms")) },
  { path: "rooms/:roomId", element: page(() => import("./pages/room")) },
  { path: "labels", element: page(() => import("./pages/labels")) },
  { path: "reports", element: page(() => import("./pages/reports")) },
  { path: "custody", element: page(() => import("./pages/custody")) },
  { path: "proposals", element: page(() => import("./pages/proposals")) },
  { path: "audit", element: page(() => import("./pages/audit")) },
  { path: "backups", element: page(() => import("./pages/backups")) },
  { path: "updates", element: page(() => import("./pages/updates")) },
  { path: "administrators", element: page(() => import("./pages/administrators")) },
  { path: "sessions", element: page(() => import("./pages/sessions")) },
  { path: "account", element: page(() => import("./pages/account")) },
  { path: "settings", element: page(() => import("./pages/settings")) },
  { path: "*", element: <NotThere /> },
];

export const navigation = [
  { group: "site", links: ["", "custody"] },
  { group: "people", links: ["officers", "organisation", "slips", "devices"] },
  { group: "rooms", links: ["rooms", "labels", "reports"] },
  { group: "control", links: ["proposals", "audit", "administrators", "sessions"] },
  { group: "unit", links: ["backups", "updates", "settings"] },
] as const;

export function App(props: { problem: unknown }) {
  const { session, site } = useSession();
  const router = useMemo(() => createHashRouter([{ path: "/", element: <Frame />, errorElement: <Broken />, children: pages }]), []);
  useEffect(() => {
    if (session && !session.setup) void setLanguage(session.language);
  }, [session?.session_id]); // eslint-disable-line -- once a session: later the person's choice on this screen holds
  if (session?.setup || (!session && site?.state === "unprovisioned")) {
    return <Suspense fallback={<Loading />}><SetupPage /></Suspense>;
  }
  if (!session) return <SignIn problem={props.problem} />;
  return <RouterProvider router={router} />;
}

function Broken() {
  const error = useRouteError();
  return <main className="full-page"><div className="sheet"><h1>GIMS</h1><Failed error={error} again={() => location.reload()} /></div></main>;
}

function NotThere() {
  const { t } = useTranslation();
  return <Page title={t("page.not_there")}><Note tone="warn"><p>{t("page.not_there_what")}</p><Link to="/">{t("nav.overview")}</Link></Note></Page>;
}

function Navigation(props: { waiting: number; alarms: number; onFollow?: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <div className="nav-brand"><img src="/icon.svg" alt="" />GIMS</div>
      {navigation.map(({ group, links }) => (
        <div key={group}>
          <h2>{t(`nav_group.${group}`)}</h2>
          <ul>
            {links.map((link) => {
              const count = link === "proposals" ? props.waiting : link === "" ? props.alarms : 0;
              return (
                <li key={link}>
                  <NavLink to={`/${link}`} end={link === ""} {...(props.onFollow ? { onClick: props.onFollow } : {})}>
                    {t(`nav.${link || "overview"}`)}
                    {count > 0 && <span className="nav-count">{count}</span>}
                  </NavLink>
                </li>
              );
            })}
          </ul>
        </div>
      ))}
    </>
  );
}

function Frame() {
  const { t } = useTranslation();
  const { session, site, setSession } = useSession();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const format = useFormats();
  const alarms = useQuery({ queryKey: ["alarms"], queryFn: () => ask(api.GET("/alarms")), refetchInterval: 30_000 });
  const proposals = useQuery({ queryKey: ["proposals"], queryFn: () => ask(api.GET("/proposals")), refetchInterval: 15_000 });
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  // In braces: newer browsers give a promise, which is no clean-up.
  useEffect(() => { main.current?.scrollTo(0, 0); }, [pathname]);
  // A session that ended is told by whatever asks first.
  useEffect(() => {
    for (const { error } of [alarms, proposals]) {
      if (error instanceof ApiError && error.errcode === "M_UNKNOWN_TOKEN") setSession(undefined);
    }
  }, [alarms.error, proposals.error]); // eslint-disable-line
  const waiting = proposals.data?.proposals.filter((one) => one.state === "waiting" || one.redeemable).length ?? 0;
  const serious = alarms.data?.alarms.filter((one) => one.severity !== "notice").length ?? 0;
  const counts = { waiting, alarms: serious };
  const signOut = async () => {
    try {
      await ask(api.DELETE("/session"));
    } finally {
      setSession(undefined);
    }
  };
  return (
    <div className="frame">
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.querySelector("h1")?.focus(); }}>{t("page.skip")}</a>
      <nav className="nav" aria-label={t("page.navigation")}><Navigation {...counts} /></nav>
      <header className="bar">
        <span className="only-narrow"><Button onPress={() => setOpen(true)} aria-expanded={open}>{t("page.menu")}</Button></span>
        <div className="bar-site"><strong>{site?.organisation}</strong><span className="small soft mono">{site?.server_name}</span></div>
        <span className="soft nowrap bar-hide">{format.clock(now)}</span>
        <Link className="button button-quiet bar-hide" to="/account">{session?.name}</Link>
        <Link className="button button-quiet only-narrow" to="/account">{t("nav.account")}</Link>
        <span className="bar-hide"><Button onPress={() => void signOut()}>{t("act.sign_out")}</Button></span>
      </header>
      <main className="page" id="main" ref={main}>
        <Suspense fallback={<Loading />}><Outlet key={pathname} /></Suspense>
      </main>
      {open && (
        <ModalOverlay className="veil veil-nav" isOpen onOpenChange={setOpen} isDismissable>
          <Modal className="modal nav-sheet">
            <AriaDialog aria-label={t("page.navigation")}>
              <nav className="nav" aria-label={t("page.navigation")}>
                <Navigation {...counts} onFollow={() => setOpen(false)} />
              </nav>
              <Button onPress={() => setOpen(false)}>{t("act.close")}</Button>
              <Button onPress={() => void signOut()}>{t("act.sign_out")}</Button>
            </AriaDialog>
          </Modal>
        </ModalOverlay>
      )}
      <FreshDialog />
    </div>
  );
}
