// Built from `agents-core/typescript/src/react.ts` by `npm run build`; `npm run check` compares the two.
// The client as a hook for React 19. The command `types --react` writes this file, and overwrites changes.
import { use, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { agents } from "./agents.js";
import { prepare } from "./runtime/client.js";
import { isServer, shared } from "./runtime/shared.js";
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
export function useAgent(agent, name, options = {}) {
    const { query, queryDeps, suspense, onMessage, onStateRejected, onStatus, WebSocket, ...rest } = options;
    const key = JSON.stringify([agent, name, rest, typeof query === "function" ? (queryDeps ?? []) : query]);
    const entry = shared(key, query, (latest) => prepare(agents[agent], name, { ...rest, WebSocket, query: latest }));
    const { client } = entry;
    const latest = useRef(options);
    const version = useSyncExternalStore(useMemo(() => (listener) => entry.subscribe(listener), [entry]), () => entry.version, () => 0);
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
    return useMemo(() => ({ ...client, client }), [client, version]);
}
