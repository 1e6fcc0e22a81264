// Built from `agents-core/typescript/src/runtime/listeners.ts` by `npm run build`; `npm run check` compares the two.
// Functions that hear of something.
/** Listeners, told in the order in which they came. */
export class Listeners {
    #all = new Set();
    #untold = [];
    #telling = false;
    /** Adds a listener; the returned function takes it away. */
    add(listener) {
        const entry = { listener };
        this.#all.add(entry);
        return () => void this.#all.delete(entry);
    }
    /**
     * Tells all of them. What a listener throws is reported and harms nobody. News that a listener causes wait until
     * everybody has heard these, so that all hear them in one order.
     */
    tell(...news) {
        this.#untold.push(news);
        if (this.#telling)
            return;
        this.#telling = true;
        for (let next = this.#untold.shift(); next; next = this.#untold.shift()) {
            for (const entry of [...this.#all]) {
                if (!this.#all.has(entry))
                    continue;
                try {
                    entry.listener(...next);
                }
                catch (error) {
                    report(error);
                }
            }
        }
        this.#telling = false;
    }
}
/** As if nobody had caught it, but later. */
function report(error) {
    const page = globalThis;
    if (page.reportError)
        page.reportError(error);
    else
        queueMicrotask(() => {
            throw error;
        });
}
