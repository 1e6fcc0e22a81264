// Built from `agents-core/typescript/src/runtime/connection.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
import { Listeners } from "./listeners.js";
import { type CallOptions, type ConnectOptions } from "./options.js";
import { type Data } from "./outbox.js";
import { StateCache } from "./state-cache.js";
import { type AgentStream } from "./stream.js";
/**
 * What a client does about its connection.
 *
 * - `connecting`: the first connection is on its way
 * - `open`: the agent has let it in
 * - `lost`: it is on its way again
 * - `refused`: the server closed it for good
 * - `closed`: this client was closed
 */
export type Status = "connecting" | "open" | "lost" | "refused" | "closed";
/** Who an agent is. */
export type Identity = {
    name: string;
    agent: string;
};
/** A message beside the protocol. */
export type Message = string | ArrayBuffer;
/** A connection, without the types of its agent. */
export declare class Connection {
    #private;
    readonly connectionId: string;
    readonly stateCache: StateCache;
    readonly messages: Listeners<[message: Message]>;
    readonly statuses: Listeners<[status: Status, error: AgentError | undefined]>;
    readonly ready: Promise<Identity>;
    readonly closed: Promise<AgentError>;
    status: Status;
    /** Why there is no connection. */
    error: AgentError | undefined;
    identity: Identity | undefined;
    mcpServers: unknown;
    constructor(route: string, name: string, options: ConnectOptions);
    /** Begins to connect; what is called before waits. */
    start(): void;
    call(method: string, args: readonly unknown[], options?: CallOptions): Promise<unknown>;
    stream(method: string, args: readonly unknown[], options?: CallOptions): AgentStream<unknown, unknown>;
    setState(state: unknown): void;
    send(data: Data): void;
    close(code?: number, reason?: string): void;
}
