// The console before the mock: signing in, each page's main job, roles, refusals.
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { operations } from "../src/generated/contract";
import { stage } from "./stage";

const wait = { timeout: 20_000 };
const user = userEvent.setup();
const pages: readonly (readonly [string, string])[] = [
  ["", "Overview"], ["officers", "Officers"], ["organisation", "Organisation"], ["slips", "Enrolment slips"], ["devices", "Devices"], ["rooms", "Rooms"], ["labels", "Labels"], ["reports", "Reports"],
  ["custody", "Custody"], ["proposals", "Proposals"], ["audit", "Audit log"], ["backups", "Backups"], ["updates", "Updates"], ["administrators", "Administrators"], ["sessions", "Sessions"], ["settings", "Settings"], ["account", "My account"],
];
const head = (name: string) => screen.findByRole("heading", { level: 1, name }, wait);
const press = async (name: string | RegExp, where: HTMLElement = document.body) => user.click(await within(where).findByRole("button", { name }, wait));

beforeEach(() => localStorage.clear());

describe("signing in", () => {
  it("takes the passphrase, then the code", async () => {
    const { mock } = await stage();
    await head("Sign in");
    await user.type(screen.getByLabelText("Your name"), "administrator");
    await user.type(screen.getByLabelText("Passphrase"), "correct horse battery");
    await press("Continue");
    await user.type(await screen.findByLabelText("Six-digit code", {}, wait), "123456");
    await press("Use the code");
    await head("Overview");
    expect(mock.calls).toEqual(expect.arrayContaining(["startSignin", "finishSignin"]));
  });
  it("says what to do about a wrong passphrase, and does not go on", async () => {
    await stage();
    await head("Sign in");
    await user.type(screen.getByLabelText("Your name"), "administrator");
    await user.type(screen.getByLabelText("Passphrase"), "something else");
    await press("Continue");
    expect(await screen.findByText(/Check the name, passphrase or code/, {}, wait)).toBeTruthy();
    expect(screen.queryByLabelText("Six-digit code")).toBeNull();
  });
  it("lets who was invited choose a passphrase and register a second factor", async () => {
    const { mock } = await stage();
    await press("I have a one-time code");
    await user.type(screen.getByLabelText("Your name"), "auditor");
    await user.type(screen.getByLabelText("One-time code"), "QX7M-2PAK-RTW5-HJ2K");
    await user.type(screen.getByLabelText("New passphrase"), "a long enough one");
    await user.type(screen.getByLabelText("The same passphrase again"), "a long enough one");
    await press("Continue");
    await press("Use an authenticator app instead");
    await user.type(await screen.findByLabelText("Six-digit code", {}, wait), "123456");
    await press("Register");
    await head("Overview");
    expect(mock.calls).toContain("finishSigninRegistration");
  });
  it("is where one comes to when the session has ended", async () => {
    const { mock } = await stage({ as: "administrator", path: "rooms", prepare: (one) => { one.fail = (id) => (id === "listAlarms" ? "M_UNKNOWN_TOKEN" : undefined); } });
    await head("Sign in");
    expect(mock.calls).toContain("listAlarms");
  });
});

describe("each page", () => {
  for (const [path, name] of pages) {
    it(`${name}: opens, and its head has the focus`, async () => {
      await stage({ as: "administrator", path });
      const opened = await head(name);
      await waitFor(() => expect(document.activeElement).toBe(opened), wait);
      expect(document.title).toContain(name);
    });
    it(`${name}: an auditor sees it and is offered nothing that the role may not do`, async () => {
      const { mock } = await stage({ as: "auditor", path });
      await head(name);
      await waitFor(() => expect(screen.queryByText("Loading…")).toBeNull(), wait);
      const forbidden = ["Add officer", "Import from CSV", "Make slips", "Add unit", "Change labels", "Close report", "Propose", "Make backup", "Install", "Invite", "Approve", "Carry out", "Withdraw", "Add administrator", "Lock", "Zeroize", "Make new shares", "Acknowledge", "Check the store", "Save"];
      const offered = screen.queryAllByRole("button").map((button) => button.textContent);
      const allowed = path === "account" ? ["Save"] : [];
      expect(screen.queryByRole("alert")).toBeNull();
      expect(offered.filter((text) => forbidden.includes(text ?? "") && !allowed.includes(text ?? ""))).toEqual([]);
      // And asked for nothing that it was refused.
      for (const call of mock.calls) {
        const roles = operations[call as keyof typeof operations].roles as readonly string[];
        expect(roles.length === 0 || roles.includes("auditor"), call).toBe(true);
      }
    });
  }
  it("says cause and mend where gimsd does not answer, and tries again", async () => {
    const { mock } = await stage({ as: "administrator", path: "custody", prepare: (one) => { one.fail = (id) => (id === "getCustody" ? "GIMS_KEYD_STATE" : undefined); } });
    expect(await screen.findByText(/The key custodian cannot do this now/, {}, wait)).toBeTruthy();
    mock.fail = undefined;
    await press("Try again");
    expect(await screen.findByText("What was started", {}, wait)).toBeTruthy();
  });
  it("says when there is nothing", async () => {
    await stage({ as: "administrator", path: "officers", mock: { officers: 0 } });
    expect(await screen.findByText(/There are no officers yet/, {}, wait)).toBeTruthy();
  });
  it("that is not there says so", async () => {
    await stage({ as: "administrator", path: "nothing" });
    await head("Page not found");
  });
});

describe("officers", () => {
  it("has only the rows in the page that are seen, and tells how many there are", async () => {
    await stage({ as: "administrator", path: "officers", mock: { officers: 10_000 } });
    const table = await screen.findByRole("table", { name: "Officers" }, wait);
    expect(table.getAttribute("aria-rowcount")).toBe("10001");
    expect(within(table).getAllByRole("row").length).toBeLessThan(60);
    expect(screen.getByText(/of 10,000 shown/)).toBeTruthy();
  });
  it("finds by name", async () => {
    const { mock } = await stage({ as: "administrator", path: "officers" });
    await user.type(await screen.findByLabelText("Search by name or ID", {}, wait), "00017");
    await waitFor(() => expect(screen.getByText("1 of 1 shown")).toBeTruthy(), wait);
    expect(mock.calls.filter((call) => call === "listUsers").length).toBe(2);
  });
  it("adds one and goes there", async () => {
    const { mock } = await stage({ as: "administrator", path: "officers" });
    await press("Add officer");
    const dialog = await screen.findByRole("dialog", {}, wait);
    await user.type(within(dialog).getByLabelText("User name"), "desk.officer");
    await press("Add", dialog);
    await head("desk.officer");
    expect(mock.world["users"][0].user_id).toBe("@desk.officer:gims.internal");
  });
  it("tells a name that cannot be before it is sent", async () => {
    const { mock } = await stage({ as: "administrator", path: "officers" });
    await press("Add officer");
    const dialog = await screen.findByRole("dialog", {}, wait);
    await user.type(within(dialog).getByLabelText("User name"), "Desk Officer");
    expect(within(dialog).getByText(/may have only a to z/)).toBeTruthy();
    await user.keyboard("{Enter}");
    expect(mock.calls).not.toContain("addUser");
  });
  it("locks one, with the reason, and only after the question", async () => {
    const { mock } = await stage({ as: "administrator", path: "officers/%40officer.00001%3Agims.internal" });
    await press("Lock");
    const question = await screen.findByRole("alertdialog", {}, wait);
    expect(within(question).getByText(/can do nothing but sign out/)).toBeTruthy();
    expect(mock.world["users"][0].state).toBe("active");
    await user.type(within(question).getByLabelText(/Reason/), "lost telephone");
    await press("Lock", question);
    await waitFor(() => expect(mock.world["users"][0].state).toBe("locked"), wait);
  });
  it("wants the name typed before an account is closed for good", async () => {
    const { mock } = await stage({ as: "administrator", path: "officers/%40officer.00001%3Agims.internal" });
    await press("Deactivate for good");
    const question = await screen.findByRole("alertdialog", {}, wait);
    await user.type(within(question).getByLabelText("Reason"), "retired");
    const button = within(question).getByRole("button", { name: "Deactivate for good" });
    expect(button).toHaveProperty("disabled", true);
    await user.type(within(question).getByLabelText(/Type officer.00001/), "officer.00001");
    await user.click(button);
    await waitFor(() => expect(mock.world["users"][0].state).toBe("deactivated"), wait);
  });
  it("imports a list: shows each mistake, makes the rest", async () => {
    const { mock } = await stage({ as: "administrator", path: "officers/import" });
    const file = new File(["localpart,display_name,unit\na.one,One,Ministry of Works\nB two,Two,\na.one,Three,\nc,Four,Nowhere\n"], "list.csv", { type: "text/csv" });
    await user.upload(await screen.findByLabelText("CSV file", {}, wait), file);
    // The rows themselves: test/browser.
    expect(await screen.findByText(/Rows with a problem are left out/, {}, wait)).toBeTruthy();
    expect(mock.calls).not.toContain("commitImport");
    await press("Make 1 accounts");
    expect(await screen.findByText("1 accounts were made", {}, wait)).toBeTruthy();
  });
  it("makes a slip in Hindi and English, once", async () => {
    await stage({ as: "administrator", path: "officers/%40officer.00001%3Agims.internal" });
    await press("Make enrolment slip");
    await press("Make slip", await screen.findByRole("dialog", {}, wait));
    const shown = await screen.findByRole("alertdialog", {}, wait);
    for (const text of ["नामांकन पर्ची", "Enrolment slip", "QX7M-2PAK-RTW5"]) expect(within(shown).getByText(text)).toBeTruthy();
    expect(within(shown).getAllByRole("img").length).toBe(3);
  });
});

describe("acts", () => {
  it("are done after passphrase and code were shown again, where that is asked", async () => {
    const { mock } = await stage({ as: "administrator", path: "custody", mock: { stale: true } });
    await press("Zeroize");
    const question = await screen.findByRole("alertdialog", {}, wait);
    await user.type(within(question).getByLabelText(/Type ZEROIZE/), "ZEROIZE");
    await press("Propose", question);
    await screen.findByText("Confirm that it is you", {}, wait);
    await user.type(screen.getByLabelText("Passphrase"), "correct horse battery");
    await press("Continue");
    await user.type(await screen.findByLabelText("Six-digit code", {}, wait), "123456");
    await press("Use the code");
    await head("Proposals");
    expect(mock.world["proposals"][0]).toMatchObject({ action: "zeroize", state: "waiting", approved_by: [] });
  });
  it("are not done when the person leaves that question", async () => {
    const { mock } = await stage({ as: "administrator", path: "settings", mock: { stale: true } });
    await press("Save");
    await screen.findByText("Confirm that it is you", {}, wait);
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByText("Confirm that it is you")).toBeNull(), wait);
    expect(mock.calls.filter((call) => call === "changeSettings").length).toBe(1);
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("that take two are offered only to who may, and only once each", async () => {
    const { mock } = await stage({ as: "security", path: "proposals" });
    await head("Proposals");
    expect(await screen.findByText("You have approved. A second person is needed.", {}, wait)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Approve" })).toBeNull();
    await press("Carry out");
    await waitFor(() => expect(mock.world["proposals"][1].state).toBe("done"), wait);
  });
  it("approve with an assertion over gims-keyd's challenge", async () => {
    const bytes = (text: string) => Buffer.from(text).toString("base64url");
    class Key {
      static parseRequestOptionsFromJSON = (options: unknown) => options;
      static parseCreationOptionsFromJSON = (options: unknown) => options;
      constructor(readonly challenge: string) {}
      toJSON() {
        return { id: "aaaa", rawId: "aaaa", type: "public-key", response: { clientDataJSON: bytes(JSON.stringify({ type: "webauthn.get", challenge: this.challenge })), authenticatorData: "A".repeat(50), signature: "B".repeat(94) } };
      }
    }
    vi.stubGlobal("PublicKeyCredential", Key);
    Object.defineProperty(navigator, "credentials", { configurable: true, value: { get: async ({ publicKey }: { publicKey: { challenge: string } }) => new Key(publicKey.challenge) } });
    const { mock } = await stage({ as: "administrator", path: "proposals" });
    await press("Approve");
    await press("Approve with security key", await screen.findByRole("alertdialog", {}, wait));
    await waitFor(() => expect(mock.world["proposals"][0].approved_by).toEqual(["security", "administrator"]), wait);
    Reflect.deleteProperty(navigator, "credentials");
  });
});

describe("the audit log", () => {
  it("is verified in the page, and by the unit", async () => {
    await stage({ as: "auditor", path: "audit" });
    await press("Verify the log");
    expect(await screen.findByText("All 40 entries are intact.", {}, wait)).toBeTruthy();
    expect(screen.getByText("The key custodian confirms the newest entry.")).toBeTruthy();
  });
  it("that was changed is found, with the entry", async () => {
    await stage({ as: "auditor", path: "audit", prepare: (mock) => { mock.audit[20].actor = "nobody"; } });
    await press("Verify the log");
    expect(await screen.findByText("Entry 21 was changed, or one is missing before it.", {}, wait)).toBeTruthy();
  });
});

describe("set-up", () => {
  it("asks for the code on the unit's screen, then the first step", async () => {
    const { mock } = await stage({ mock: { unprovisioned: true } });
    await user.type(await screen.findByLabelText("Set-up code", {}, wait), "ABCD-2345");
    await press("Continue");
    await screen.findByRole("heading", { level: 2, name: "Time" }, wait);
    await press("Continue");
    await screen.findByRole("heading", { level: 2, name: "Site" }, wait);
    expect(mock.world["setup"].draft.clock).toBeTruthy();
  });
});
