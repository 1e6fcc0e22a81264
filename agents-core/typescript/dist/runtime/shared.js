// Built from `agents-core/typescript/src/runtime/shared.ts` by `npm run build`; `npm run check` compares the two.
// Clients that the components of a page share.
/** How long a client stays that nobody uses any more, in milliseconds: a component that comes back keeps its socket. */
const LINGER = 50;
/** How long a client waits for the component for which it was made: a rendering may be thrown away. */
const UNUSED = 10_000;
/** A client that several components may use. */
export class Shared {
    client;
    /** Goes up with each change of the state or the status. */
    version = 0;
    /** The query, or the function of the last rendering that makes it. */
    query;
    #prepared;
    #forget;
    #listeners = new Set();
    #users = 0;
    #timer;
    constructor(query, make, forget) {
        this.query = query;
        const prepared = make(() => (typeof this.query === "function" ? this.query() : (this.query ?? {})));
        this.#prepared = prepared;
        this.#forget = forget;
        this.client = prepared.client;
        const changed = () => {
            this.version += 1;
            for (const listener of [...this.#listeners])
                listener();
        };
        this.client.subscribe(changed);
        this.client.onStatus(changed);
        this.client.ready.then(changed, () => { });
    }
    start() {
        this.#prepared.start();
    }
    /** Ends it if no component uses it soon. */
    expire() {
        this.#timer = setTimeout(() => this.#end(), UNUSED);
    }
    /** A component uses it, until the returned function is called. */
    use() {
        this.start();
        clearTimeout(this.#timer);
        this.#users += 1;
        return () => {
            this.#users -= 1;
            if (this.#users === 0)
                this.#timer = setTimeout(() => this.#end(), LINGER);
        };
    }
    subscribe(listener) {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    }
    #end() {
        this.#forget();
        this.client.close();
    }
}
const all = new Map();
/** The sign that a page is rendered for another machine: nothing connects, and requests share nothing. */
export const isServer = typeof window === "undefined";
/** The client of this key, made if there is none. */
export function shared(key, query, make) {
    if (isServer)
        return new Shared(query, make, () => { });
    const found = all.get(key);
    if (found)
        return found;
    const made = new Shared(query, make, () => {
        if (all.get(key) === made)
            all.delete(key);
    });
    all.set(key, made);
    made.expire();
    return made;
}
