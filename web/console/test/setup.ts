import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// What jsdom has not: sizes, so that long lists have something to show, and media queries.
class Observer {
  constructor(private readonly told: (entries: { target: Element; borderBoxSize: { inlineSize: number; blockSize: number }[] }[]) => void) {}
  // As a browser: once soon after the beginning, and then when a size changes, which none does here.
  observe(target: HTMLElement) {
    setTimeout(() => this.told([{ target, borderBoxSize: [{ inlineSize: target.offsetWidth, blockSize: target.offsetHeight }] }]));
  }
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver = Observer as unknown as typeof ResizeObserver;
Object.defineProperty(HTMLElement.prototype, "offsetHeight", { configurable: true, get() { return this.classList?.contains("list-scroll") ? 600 : 46; } });
Object.defineProperty(HTMLElement.prototype, "offsetWidth", { configurable: true, get: () => 1000 });
globalThis.matchMedia ??= (() => ({ matches: false, addEventListener() {}, removeEventListener() {} })) as unknown as typeof matchMedia;
Element.prototype.scrollTo ??= () => undefined;
// A canvas is not drawn here.
vi.mock("../src/ui/chart", () => ({ default: (props: { title: string }) => props.title }));
afterEach(cleanup);
