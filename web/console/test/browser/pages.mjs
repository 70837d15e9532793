// Every page of the console, for the tests that go through all of them.
export const pages = [
  "", "officers", "officers/%40officer.00002%3Agims.internal", "officers/import", "organisation", "slips", "devices", "rooms", "labels", "reports",
  "custody", "proposals", "audit", "backups", "updates", "administrators", "sessions", "settings", "account",
];
export const nameOf = (path) => path.split("/").map((part) => part.replace(/%.*/, "one")).join("-") || "overview";
