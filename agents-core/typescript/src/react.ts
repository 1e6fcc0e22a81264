// The client as a hook for React 19. The command `types --react` writes this file, and overwrites changes.

import { use, useEffect, useMemo, useRef, useSyncExternalStore } from "react";

import { type Agents, agents } from "./agents.js";
import type { AgentClient, AgentError, ConnectOptions, Message, Status } from "./client.js";
import { type Metadata, prepare } from "./runtime/client.js";
import { isServer, shared } from "./runtime/shared.js";

/** Options of `useAgent`. */
export interface UseAgentOptions extends ConnectOptions {
  /**
   * What a function as `query` depends on: when one of these changes, the hook connects anew. A function is also asked
   * again at each reconnect.
   */
  queryDeps?: readonly (string | number | boolean | null | undefined)[] | undefined;
  /** Suspends until the agent has let the client in; a refusal goes to the error boundary. */
  suspense?: boolean | undefined;
  /** Hears of what the agent sends beside the protocol. */
  onMessage?: ((message: Message) => void) | undefined;
  /** Hears of states that the agent has refused. */
  onStateRejected?: ((error: AgentError) => void) | undefined;
  /** Hears of changes of the status. */
  onStatus?: ((status: Status, error: AgentError | undefined) => void) | undefined;
}

/** The client as it is in this rendering, and the client itself. */
export type UsedAgent<Class extends keyof Agents> = AgentClient<Class> & {
  /** The client, the same from rendering to rendering: for effects. */
  readonly client: AgentClient<Class>;
};

/**
 * Connects to an agent for as long as the component is there, and renders anew when its state or the status changes.
 *
 * Components that ask for the same agent with the same options share one connection. On a server nothing connects, and
 * the state is `undefined`.
 *
 * ```tsx
 * const room = useAgent("ChatRoom", "lobby", { query: { username } });
 * return <h1 onClick={() => room.setTopic("news")}>{room.state?.topic}</h1>;
 * ```
 */
export function useAgent<Class extends keyof Agents>(
  agent: Class,
  name: string,
  options: UseAgentOptions = {},
): UsedAgent<Class> {
  const { query, queryDeps, suspense, onMessage, onStateRejected, onStatus, WebSocket, ...rest } = options;
  const key = JSON.stringify([agent, name, rest, typeof query === "function" ? (queryDeps ?? []) : query]);
  const entry = shared<Agents[Class]>(key, query, (latest) =>
    prepare(agents[agent] as Metadata, name, { ...rest, WebSocket, query: latest }),
  );
  const { client } = entry;
  const latest = useRef(options);
  const version = useSyncExternalStore(
    useMemo(() => (listener: () => void) => entry.subscribe(listener), [entry]),
    () => entry.version,
    () => 0,
  );

  useEffect(() => {
    latest.current = options;
    entry.query = query;
  });
  useEffect(() => {
    const ends = [
      client.onMessage((message) => latest.current.onMessage?.(message)),
      client.onStateRejected((error) => latest.current.onStateRejected?.(error)),
      client.onStatus((status, error) => latest.current.onStatus?.(status, error)),
      // Last, so that nothing is missed.
      entry.use(),
    ];
    return () => ends.forEach((end) => end());
  }, [entry, client]);

  if (suspense && !isServer) {
    entry.start();
    use(client.ready);
  }
  return useMemo(() => ({ ...client, client }) as UsedAgent<Class>, [client, version]);
}
