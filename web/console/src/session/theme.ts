// Light, dark, or as the system says; kept in this browser.
export type Theme = "system" | "light" | "dark";
const kept = "gims.theme";

export function theme(): Theme {
  const said = localStorage.getItem(kept);
  return said === "light" || said === "dark" ? said : "system";
}

export function applyTheme(next: Theme = theme()) {
  if (next === "system") {
    localStorage.removeItem(kept);
    delete document.documentElement.dataset["theme"];
  } else {
    localStorage.setItem(kept, next);
    document.documentElement.dataset["theme"] = next;
  }
}
