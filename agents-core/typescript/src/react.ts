// The client as a hook for React 19. The command `types --react` writes this file, and overwrites changes.

import { use, useEffect, useMemo, useRef, useSyncExternalStore } from "react";

import { type Agents, agents } from "./agents.js";
import type { AgentClient, AgentError, ConnectOptions, Message, Status } from "./client.js";
import { type Metadata, prepare } from "./runtime/client.js";
import { isServer, shared } from "./runtime/shared.js";

/** Options of `useAgent`. */
export interface UseAgentOptions extends ConnectOptions {
  /**
   * The values that a function given as `query` depends on. When one of them changes, the hook opens a new connection.
   * The function is also called before each reconnect.
   */
  queryDeps?: readonly (string | number | boolean | null | undefined)[] | undefined;
  /** Suspends the component until the agent has accepted the client. A refusal goes to the error boundary. */
  suspense?: boolean | undefined;
  /** Called with each message that the agent sends beside the protocol. */
  onMessage?: ((message: Message) => void) | undefined;
  /** Called when the agent has refused a state. */
  onStateRejected?: ((error: AgentError) => void) | undefined;
  /** Called when the status has changed. */
  onStatus?: ((status: Status, error: AgentError | undefined) => void) | undefined;
}

/** A snapshot of the client for one rendering, and the client itself. */
export type UsedAgent<Class extends keyof Agents> = AgentClient<Class> & {
  /** The client itself, which is the same in all renderings, for use in effects. */
  readonly client: AgentClient<Class>;
};

/**
 * Connects to an agent while the component is mounted, and renders again when the state or the status changes.
 *
 * Components that use the same agent with the same options share one connection. When a page is rendered on a server,
 * the hook does not connect, and the state is `undefined`.
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
      // The connection starts after the listeners are added, so that they miss nothing.
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
