// Built from `agents-core/typescript/src/runtime/shared.ts` by `npm run build`; `npm run check` compares the two.
import type { Class, Client, Prepared } from "./client.js";
import type { ConnectOptions, Query } from "./options.js";
/** Makes a client whose query is asked for. */
type Make<C extends Class> = (query: () => Query | Promise<Query>) => Prepared<C>;
/** A client that several components may use. */
export declare class Shared<C extends Class> {
    #private;
    readonly client: Client<C>;
    /** Goes up with each change of the state or the status. */
    version: number;
    /** The query, or the function of the last rendering that makes it. */
    query: ConnectOptions["query"];
    constructor(query: ConnectOptions["query"], make: Make<C>, forget: () => void);
    start(): void;
    /** Ends it if no component uses it soon. */
    expire(): void;
    /** A component uses it, until the returned function is called. */
    use(): () => void;
    subscribe(listener: () => void): () => void;
}
/** The sign that a page is rendered for another machine: nothing connects, and requests share nothing. */
export declare const isServer: boolean;
/** The client of this key, made if there is none. */
export declare function shared<C extends Class>(key: string, query: ConnectOptions["query"], make: Make<C>): Shared<C>;
export {};
