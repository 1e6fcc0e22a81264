// Built from `agents-core/typescript/src/runtime/options.ts` by `npm run build`; `npm run check` compares the two.
/** Parameters of the address; those that are `null` or `undefined` are left out. */
export type Query = Record<string, string | number | boolean | null | undefined>;
/** Options of `connect`. */
export interface ConnectOptions {
    /** The server, like `example.org:8787`; that of the page by default. */
    host?: string | undefined;
    /**
     * `ws` or `wss`. By default `ws` for this machine, on a page that came over `http` from elsewhere, and outside of pages
     * for an address of a private network; otherwise `wss`.
     */
    protocol?: "ws" | "wss" | undefined;
    /** Another path than `/agents/CLASS/NAME`, where the server finds the agent by itself. */
    path?: string | undefined;
    /** Parameters of the address, or a function that is asked for them before each attempt to connect. */
    query?: Query | (() => Query | Promise<Query>) | undefined;
    /** The id of the connection; random by default. It stays the same over reconnects. */
    connectionId?: string | undefined;
    /** How long a call waits for its answer, in milliseconds: 30,000 by default, 0 for ever. Streams have no limit. */
    callTimeout?: number | undefined;
    /** How many characters and bytes may wait to be sent: 16 Mi by default. What is over it fails with `overflow`. */
    sendBuffer?: number | undefined;
    /** How many pieces of a stream may wait to be read: 4,096 by default. A stream whose reader is slower fails with `overflow`. */
    streamBuffer?: number | undefined;
    /** The first delay before a reconnect, in milliseconds: 500 by default, up to twice as much at random. */
    minReconnectDelay?: number | undefined;
    /** The longest delay before a reconnect, in milliseconds: 10,000 by default. */
    maxReconnectDelay?: number | undefined;
    /** How long one attempt to connect may take, in milliseconds: 10,000 by default. */
    connectTimeout?: number | undefined;
    /** The class of the sockets, where there is no global `WebSocket`. */
    WebSocket?: unknown;
}
/** Options of one call. */
export interface CallOptions {
    /** How long to wait for the answer, in milliseconds, in place of `callTimeout`. Streams have no limit. */
    timeout?: number | undefined;
    /** Gives the call up. A stream is stopped on the server; a call that was sent runs to its end. */
    signal?: AbortSignal | undefined;
}
/** The address of an agent, but for its query. */
export declare function address(route: string, name: string, options: ConnectOptions): string;
/** The one form of all spellings of a name, which stands in addresses and which the agent sees. */
export declare function canonical(name: string): string;
/** The query of an address, with the id of the connection. */
export declare function search(query: Query, connectionId: string): string;
/** A random id for a connection. */
export declare function randomId(): string;
