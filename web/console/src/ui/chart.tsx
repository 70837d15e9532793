// A line chart of the last time (uPlot), with the newest values in words for who does not see it.
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { localeOf } from "../i18n/languages";

function colour(name: string): string {
  // Canvas knows no light-dark(): the browser resolves it on an element.
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export default function Chart(props: {
  title: string; ts: number[]; series: { label: string; values: (number | null)[] }[]; timeZone: string; show: (value: number) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const { i18n } = useTranslation();
  const show = useRef(props.show);
  show.current = props.show;
  const names = props.series.map((one) => one.label).join("\n");
  const data = [props.ts.map((ts) => ts / 1000), ...props.series.map((one) => one.values)] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const clock = new Intl.DateTimeFormat(localeOf(i18n.language), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: props.timeZone });
    const make = () => {
      plot.current?.destroy();
      const ink = colour("--ink-soft");
      const grid = { stroke: colour("--line-soft"), width: 1 };
      const font = "12px 'Noto Sans', sans-serif";
      plot.current = new uPlot({
        width: Math.max(element.clientWidth, 100),
        height: element.clientHeight,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max((high ?? 0) * 1.1, 1)] } },
        axes: [
          { stroke: ink, grid, ticks: grid, font, values: (_, splits) => splits.map((at) => clock.format(at * 1000)), space: 70 },
          { stroke: ink, grid, ticks: grid, font, size: 68, values: (_, splits) => splits.map((at) => show.current(at)) },
        ],
        series: [{}, ...names.split("\n").map((label, at) => ({ label, stroke: colour(`--series-${at + 1}`), width: 2, points: { show: false } }))],
      }, latest.current, element);
    };
    make();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(element.clientWidth, 100), height: element.clientHeight }));
    sized.observe(element);
    const themed = new MutationObserver(make);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    return () => {
      sized.disconnect();
      themed.disconnect();
      scheme.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [i18n.language, props.timeZone, names]);
  useEffect(() => { plot.current?.setData(latest.current); }, [props.ts, props.series]);

  const words = props.series.map((one) => {
    const value = one.values.findLast((each) => each !== null);
    return `${one.label}: ${value === undefined || value === null ? "–" : props.show(value)}`;
  });
  return (
    <figure className="sheet chart">
      <figcaption className="stack-tight">
        <h2>{props.title}</h2>
        <span className="legend">{words.map((text) => <span key={text}>{text}</span>)}</span>
      </figcaption>
      <div className="chart-box" ref={box} aria-hidden="true" />
    </figure>
  );
}
