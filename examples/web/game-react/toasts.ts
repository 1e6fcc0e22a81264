// Short notices that disappear by themselves.

import { useCallback, useEffect, useRef, useState } from "react";

export type Toast = { key: number; text: string };

const LIFETIME = 6_000;

/** Returns the notices on the page, and a function that adds one. */
export function useToasts(): [readonly Toast[], (text: string) => void] {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const next = useRef(0);
  const timers = useRef(new Set<number>());
  const add = useCallback((text: string) => {
    const key = next.current++;
    setToasts((all) => [...all, { key, text }]);
    const timer = window.setTimeout(() => {
      timers.current.delete(timer);
      setToasts((all) => all.filter((toast) => toast.key !== key));
    }, LIFETIME);
    timers.current.add(timer);
  }, []);
  useEffect(() => {
    const running = timers.current;
    return () => running.forEach((timer) => window.clearTimeout(timer));
  }, []);
  return [toasts, add];
}
