// Built from `agents-core/typescript/src/runtime/options.ts` by `npm run build`; `npm run check` compares the two.
/** The parameters of the address. Values that are `null` or `undefined` are omitted. */
export type Query = Record<string, string | number | boolean | null | undefined>;
/** The options of `connect`. */
export interface ConnectOptions {
    /** The server, such as `example.org:8787`. The default is the server of the page. */
    host?: string | undefined;
    /**
     * `ws` or `wss`. The default is the scheme in `host`, if it has one. Otherwise it is `ws` in these cases, and `wss` in
     * all others:
     *
     * - the server is on this machine, and is not the server of an `https` page
     * - the page came over `http` from another machine
     * - the server is in a private network, and the page did not come over `https`
     */
    protocol?: "ws" | "wss" | undefined;
    /** A path that replaces `/agents/CLASS/NAME`. The server selects the agent of this path. */
    path?: string | undefined;
    /** The parameters of the address, or a function that returns them. It is called before each attempt to connect. */
    query?: Query | (() => Query | Promise<Query>) | undefined;
    /** The id of the connection, which stays the same over reconnects. The default is a random id. */
    connectionId?: string | undefined;
    /** The time limit of a call, in milliseconds. The default is 30,000; 0 means no limit. Streams have no limit. */
    callTimeout?: number | undefined;
    /** The number of characters and bytes that may wait to be sent. The default is 16 Mi. More fails with `overflow`. */
    sendBuffer?: number | undefined;
    /**
     * The number of pieces of a stream that may wait to be read. The default is 4,096. A stream whose reader is slower
     * fails with `overflow`.
     */
    streamBuffer?: number | undefined;
    /** The first delay before a reconnect, in milliseconds. The default is 500. Up to the same time is added at random. */
    minReconnectDelay?: number | undefined;
    /** The longest delay before a reconnect, in milliseconds. The default is 10,000. */
    maxReconnectDelay?: number | undefined;
    /** The time limit of one attempt to connect, in milliseconds. The default is 10,000. */
    connectTimeout?: number | undefined;
    /** The class of the sockets. The default is the global `WebSocket`. */
    WebSocket?: unknown;
}
/** The options of one call. */
export interface CallOptions {
    /** The time limit of the call, in milliseconds. The default is `callTimeout`. Streams have no limit. */
    timeout?: number | undefined;
    /** A signal that ends the call. A stream is stopped on the server; a call that was sent runs to its end. */
    signal?: AbortSignal | undefined;
}
/** Returns the address of an agent, without its query. Throws a `TypeError` if the address is invalid. */
export declare function address(route: string, name: string, options: ConnectOptions): string;
/** Returns the canonical form of a name, which stands in addresses and which the agent sees. */
export declare function canonical(name: string): string;
/** Returns the query of an address, with the id of the connection. */
export declare function search(query: Query, connectionId: string): string;
/** Returns a random id for a connection. */
export declare function randomId(): string;
