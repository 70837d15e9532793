import { useEffect, useState } from "react";

// What was typed, once the typing has paused: [settled, typed, set].
export function useLate(first: string, wait = 250): [string, string, (value: string) => void] {
  const [typed, setTyped] = useState(first);
  const [settled, setSettled] = useState(first);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), wait);
    return () => clearTimeout(timer);
  }, [typed, wait]);
  return [settled, typed, setTyped];
}
