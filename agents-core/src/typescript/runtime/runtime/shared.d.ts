import type { Class, Client, Prepared } from "./client.js";
/** A client that several components may use. */
export declare class Shared<C extends Class> {
    #private;
    readonly client: Client<C>;
    /** Goes up with each change of the state or the status. */
    version: number;
    constructor(prepared: Prepared<C>, forget: () => void);
    start(): void;
    /** A component uses it, until the returned function is called. */
    use(): () => void;
    subscribe(listener: () => void): () => void;
}
/** The client of this key, made if there is none. */
export declare function shared<C extends Class>(key: string, make: () => Prepared<C>): Shared<C>;
