// Making enrolment slips, and the slip itself: a page to print, in Hindi and English, with QR codes. Its codes are shown once.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { createPortal } from "react-dom";
import { api, ask, type Schemas } from "../api/client";
import { haveLanguage } from "../i18n";
import { formats } from "../i18n/format";
import { useAct, useSession } from "../session/session";
import { Button, TextField } from "../ui/controls";
import { Dialog } from "../ui/dialogs";
import { Failed, Note } from "../ui/parts";
import { Qr } from "../ui/qr";
import { localpart } from "./shared";
import "./slip-sheet.css";

export function MakeSlips(props: { users: { user_id: string; name: string }[]; onClose: () => void }) {
  const { t } = useTranslation();
  const [hours, setHours] = useState("72");
  const [made, setMade] = useState<Schemas["SlipsMade"]>();
  const make = useAct((body: Schemas["SlipRequest"]) => ask(api.POST("/slips", { body })), { touches: ["slips", "users"], onDone: setMade });
  const number = Number(hours);
  const wrong = !Number.isInteger(number) || number < 1 || number > 720;
  if (made) return <SlipSheets made={made} onClose={props.onClose} />;
  return (
    <Dialog title={t("slips.make")} onClose={props.onClose}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (!wrong) make.mutate({ user_ids: props.users.map((user) => user.user_id), hours: number }); }}>
        <p>{t("slips.make_what")}</p>
        <ul className="small">{props.users.slice(0, 8).map((user) => <li key={user.user_id}>{user.name} <span className="mono soft">{user.user_id}</span></li>)}</ul>
        <TextField label={t("slips.hours")} value={hours} onChange={setHours} max={3} numeric problem={wrong ? t("slips.hours_wrong") : undefined} />
        {make.error && <Failed error={make.error} />}
        <div className="line line-end">
          <Button onPress={props.onClose}>{t("act.cancel")}</Button>
          <Button type="submit" kind="main" isDisabled={wrong || make.isPending}>{t("slips.make")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function SlipSheets(props: { made: Schemas["SlipsMade"]; onClose: () => void }) {
  const { t } = useTranslation();
  const [ready, setReady] = useState(false);
  useEffect(() => {
    void Promise.all([haveLanguage("hi"), haveLanguage("en")]).then(() => setReady(true));
  }, []);
  if (!ready) return null;
  const sheets = props.made.slips.map((slip) => <SlipSheet key={slip.slip_id} slip={slip} site={props.made.site} />);
  return (
    <>
      <Dialog title={t("slips.print_title")} wide alert onClose={props.onClose}>
        <Note tone="warn"><p>{t("slips.once")}</p></Note>
        <div className="line line-end no-print">
          <Button onPress={props.onClose}>{t("slips.close")}</Button>
          <Button kind="main" autoFocus onPress={() => window.print()}>{t("slips.print")}</Button>
        </div>
        <div className="slips-shown">{sheets}</div>
      </Dialog>
      {createPortal(<div className="slips-printed" aria-hidden="true">{sheets}</div>, document.body)}
    </>
  );
}

// What a phone's camera takes for a Wi-Fi network; \ ; , : " are escaped.
export function wifiCode(ssid: string, passphrase: string): string {
  const escaped = (text: string) => text.replace(/([\\;,:"])/g, "\\$1");
  return `WIFI:T:SAE;S:${escaped(ssid)};P:${escaped(passphrase)};;`;
}

export function SlipSheet(props: { slip: Schemas["Slip"]; site: Schemas["SlipSite"] }) {
  const { i18n } = useTranslation();
  const { site: known } = useSession();
  const { slip, site } = props;
  const hindi = i18n.getFixedT("hi");
  const english = i18n.getFixedT("en");
  const [hindiTime, englishTime] = (["hi", "en"] as const).map((code) => formats(code, known?.time_zone ?? "Asia/Kolkata").exact(slip.expires_ts));
  const both = (key: string) => <span className="both"><span lang="hi">{hindi(key)}</span> <span lang="en">{english(key)}</span></span>;
  const setup = `${site.setup_url}#${site.ca_sha256}`;
  return (
    <article className="slip" lang="en" dir="ltr">
      <header>
        <strong>{site.organisation}</strong>
        <h2>{both("slip.title")}</h2>
      </header>
      <dl>
        <div><dt>{both("slip.officer")}</dt><dd><strong>{slip.display_name ?? localpart(slip.user_id)}</strong>{slip.designation && <> · {slip.designation}</>}{slip.unit && <> · {slip.unit}</>}</dd></div>
        <div><dt>{both("slip.user")}</dt><dd className="mono">{slip.user_id}</dd></div>
        <div><dt>{both("slip.until")}</dt><dd><span lang="hi">{hindiTime}</span><br />{englishTime}</dd></div>
      </dl>
      <ol>
        {site.wifi && (
          <li>
            <Qr text={wifiCode(site.wifi.ssid, site.wifi.passphrase)} label={english("slip.wifi")} />
            <div><h3>{both("slip.wifi")}</h3><p className="mono">{site.wifi.ssid}<br />{site.wifi.passphrase}</p></div>
          </li>
        )}
        <li>
          <Qr text={setup} label={english("slip.setup")} />
          <div><h3>{both("slip.setup")}</h3><p className="mono">{site.setup_url}</p><p>{both("slip.compare")}</p><p className="mono print">{site.ca_sha256.toUpperCase().match(/.{1,4}/g)?.join(" ")}</p></div>
        </li>
        <li>
          <Qr text={slip.code} label={english("slip.code")} />
          <div><h3>{both("slip.code")}</h3><p className="mono code">{slip.code}</p><p className="mono">{site.base_url}</p></div>
        </li>
      </ol>
      <footer>{both("slip.secret")}</footer>
    </article>
  );
}
