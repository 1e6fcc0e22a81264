// Built from `agents-core/typescript/src/runtime/shared.ts` by `npm run build`; `npm run check` compares the two.
import type { Class, Client, Prepared } from "./client.js";
import type { ConnectOptions, Query } from "./options.js";
/** A function that makes a client. The client calls `query` before each attempt to connect. */
type Make<C extends Class> = (query: () => Query | Promise<Query>) => Prepared<C>;
/** A client that several components may use. */
export declare class Shared<C extends Class> {
    #private;
    readonly client: Client<C>;
    /** A number that grows with each change of the state or the status. */
    version: number;
    /** The query of the last rendering, or its function that returns the query. */
    query: ConnectOptions["query"];
    constructor(query: ConnectOptions["query"], make: Make<C>, forget: () => void);
    start(): void;
    /** Ends the client if no component uses it within `UNUSED`. */
    expire(): void;
    /** Registers a component that uses the client, until the returned function is called. */
    use(): () => void;
    subscribe(listener: () => void): () => void;
}
/** `true` where pages are rendered for other machines. No client connects there, and requests share no clients. */
export declare const isServer: boolean;
/** Returns the client of this key, and makes it if there is none. */
export declare function shared<C extends Class>(key: string, query: ConnectOptions["query"], make: Make<C>): Shared<C>;
export {};
