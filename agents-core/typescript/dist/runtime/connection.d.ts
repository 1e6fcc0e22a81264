// Built from `agents-core/typescript/src/runtime/connection.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
import { Listeners } from "./listeners.js";
import { type CallOptions, type ConnectOptions } from "./options.js";
import { type Data } from "./outbox.js";
import { StateCache } from "./state-cache.js";
import { type AgentStream } from "./stream.js";
/**
 * The status of the connection of a client.
 *
 * - `connecting`: the first connection is not open yet
 * - `open`: the agent has accepted the client
 * - `lost`: the client connects again
 * - `refused`: the server closed the connection, and the client does not connect again
 * - `closed`: the program closed this client
 */
export type Status = "connecting" | "open" | "lost" | "refused" | "closed";
/** The identity of an agent: its name and its class. */
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
    /** The reason why there is no connection. */
    error: AgentError | undefined;
    identity: Identity | undefined;
    mcpServers: unknown;
    constructor(route: string, name: string, options: ConnectOptions);
    /** Starts to connect. Calls that were made before wait for the connection. */
    start(): void;
    call(method: string, args: readonly unknown[], options?: CallOptions): Promise<unknown>;
    stream(method: string, args: readonly unknown[], options?: CallOptions): AgentStream<unknown, unknown>;
    setState(state: unknown): void;
    send(data: Data): void;
    close(code?: number, reason?: string): void;
}
