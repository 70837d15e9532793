// Short words that something is done; they stay until read or closed, for who reads slowly.
import { createContext, useCallback, useContext, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./controls";

const Context = createContext<(text: string) => void>(() => undefined);
const most = 3;

export function Toasts(props: { children: ReactNode }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState<{ id: number; text: string }[]>([]);
  const tell = useCallback((text: string) => {
    const id = Date.now() + Math.random();
    setShown((all) => [...all.slice(1 - most), { id, text }]);
    setTimeout(() => setShown((all) => all.filter((one) => one.id !== id)), 10_000);
  }, []);
  return (
    <Context value={tell}>
      {props.children}
      <div className="toasts" role="status" aria-live="polite">
        {shown.map((one) => (
          <div className="toast" key={one.id}>
            <span className="grow">{one.text}</span>
            <Button kind="quiet" onPress={() => setShown((all) => all.filter((other) => other.id !== one.id))}>{t("act.close")}</Button>
          </div>
        ))}
      </div>
    </Context>
  );
}

export const useTell = () => useContext(Context);
