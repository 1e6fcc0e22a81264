// Built from `agents-core/typescript/src/react.ts` by `npm run build`; `npm run check` compares the two.
import { type Agents } from "./agents.js";
import type { AgentClient, AgentError, ConnectOptions, Message, Status } from "./client.js";
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
export declare function useAgent<Class extends keyof Agents>(agent: Class, name: string, options?: UseAgentOptions): UsedAgent<Class>;
