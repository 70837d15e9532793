// Who is signed in, what they may do, and the second look that sensitive acts ask for.
import { QueryClient, useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from "react";
import { ApiError, setCsrf, type Schemas } from "../api/client";
import { operations } from "../generated/contract";

export type Session = Schemas["Session"];
export type Operation = keyof typeof operations;

interface SessionState {
  session: Session | undefined;
  site: Schemas["Site"] | undefined;
  setSession(session: Session | undefined): void;
  // Asks for passphrase and second factor in a dialog; false: the person left it.
  becomeFresh(): Promise<boolean>;
  asking: ((done: boolean) => void) | undefined;
}

const Context = createContext<SessionState | undefined>(undefined);

export function SessionProvider(props: { initial: Session | undefined; site: Schemas["Site"] | undefined; children: ReactNode }) {
  const [session, setState] = useState(props.initial);
  const [asking, setAsking] = useState<((done: boolean) => void) | undefined>();
  const queries = useQueryClient();
  const setSession = useCallback(
    (next: Session | undefined) => {
      setCsrf(next?.csrf);
      if (!next) queries.clear();
      setState(next);
    },
    [queries],
  );
  const becomeFresh = useCallback(
    () =>
      new Promise<boolean>((resolve) => {
        setAsking(() => (done: boolean) => {
          setAsking(undefined);
          resolve(done);
        });
      }),
    [],
  );
  const value = useMemo(
    () => ({ session, site: props.site, setSession, becomeFresh, asking }),
    [session, props.site, setSession, becomeFresh, asking],
  );
  return <Context value={value}>{props.children}</Context>;
}

export function useSession(): SessionState {
  const state = useContext(Context);
  if (!state) throw new Error("outside of SessionProvider");
  return state;
}

export function mayCall(roles: readonly string[], operation: Operation): boolean {
  return (operations[operation].roles as readonly string[]).some((role) => roles.includes(role));
}

export function useMay(): (operation: Operation) => boolean {
  const { session } = useSession();
  const roles = session?.roles;
  return useCallback((operation) => mayCall(roles ?? [], operation), [roles]);
}

export class Left extends Error {}

// An act: what it needs of freshness is asked for, and once it is done the lists that it touches are read anew.
export function useAct<In, Out>(
  act: (input: In) => Promise<Out>,
  options: { touches?: readonly string[]; onDone?: (out: Out, input: In) => void } = {},
): UseMutationResult<Out, Error, In> {
  const { becomeFresh } = useSession();
  const queries = useQueryClient();
  const latest = useRef(options);
  latest.current = options;
  return useMutation({
    mutationFn: async (input: In) => {
      try {
        return await act(input);
      } catch (error) {
        if (!(error instanceof ApiError) || error.errcode !== "GIMS_FRESH") throw error;
        if (!(await becomeFresh())) throw new Left();
        return act(input);
      }
    },
    onSuccess: async (out, input) => {
      await Promise.all((latest.current.touches ?? []).map((key) => queries.invalidateQueries({ queryKey: [key] })));
      latest.current.onDone?.(out, input);
    },
  });
}

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        refetchOnWindowFocus: false,
        // Only what may pass by itself is tried again.
        retry: (count, error) => error instanceof ApiError && (error.status === 503 || error.status === 0) && count < 2,
      },
    },
  });
}
