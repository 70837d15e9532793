// A long list of which only what is seen is in the page. Rows come by cursor as one scrolls; screen readers are told how many there are.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "../i18n/format";
import { Empty, Failed, Loading } from "./parts";
import { Button } from "./controls";

export interface Column<T> {
  key: string;
  head: string;
  width: string;
  cell: (row: T) => ReactNode;
}

export interface PageOf<T> {
  rows: T[];
  next?: string | number | undefined;
  total?: number | undefined;
}

export function useRows<T>(key: readonly unknown[], read: (after: string | number | undefined) => Promise<PageOf<T>>) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | number | undefined,
    getNextPageParam: (last) => last.next,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  return { query, rows, total: query.data?.pages[0]?.total };
}

export function List<T>(props: {
  label: string;
  of: ReturnType<typeof useRows<T>>;
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  empty: ReactNode;
}) {
  const { t } = useTranslation();
  const format = useFormats();
  const { query, rows, total } = props.of;
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 46,
    overscan: 12,
    getItemKey: (index) => props.rowKey(rows[index]!),
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError && last >= rows.length - 40) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, last, rows.length, fetchNextPage]);

  if (query.isPending) return <Loading />;
  if (query.error && rows.length === 0) return <Failed error={query.error} again={() => void query.refetch()} />;
  if (rows.length === 0) return <div className="sheet"><Empty>{props.empty}</Empty></div>;
  const columns = props.columns.map((column) => column.width).join(" ");
  return (
    <div className="sheet sheet-plain list" style={{ "--columns": columns } as React.CSSProperties}>
      <div className="list-scroll" ref={scroll} tabIndex={0} role="table" aria-label={props.label} aria-rowcount={(total ?? (hasNextPage ? -2 : rows.length)) + 1}>
        <div role="rowgroup">
          <div className="list-head" role="row" aria-rowindex={1}>
            {props.columns.map((column) => <div key={column.key} role="columnheader">{column.head}</div>)}
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const row = rows[item.index]!;
            return (
              <div key={item.key} ref={virtual.measureElement} data-index={item.index} className="list-row" role="row" aria-rowindex={item.index + 2}
                style={{ transform: `translateY(${item.start}px)` }}>
                {props.columns.map((column) => {
                  const cell = column.cell(row);
                  return (
                    <div key={column.key} role="cell">
                      {cell !== undefined && cell !== "" && cell !== null && <span className="cell-label" aria-hidden="true">{column.head}</span>}
                      {cell}
                    </div>
                  );
                })}
              </div>
            );
          })}
        </div>
      </div>
      <div className="list-foot line spread">
        <span>{total === undefined ? t("list.shown", { count: format.number(rows.length) }) : t("list.shown_of", { count: format.number(rows.length), total: format.number(total) })}</span>
        {isFetchingNextPage && <span className="busy">{t("state.loading")}</span>}
        {isFetchNextPageError && <Button onPress={() => void fetchNextPage()}>{t("act.again")}</Button>}
      </div>
    </div>
  );
}
