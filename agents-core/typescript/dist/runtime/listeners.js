// Built from `agents-core/typescript/src/runtime/listeners.ts` by `npm run build`; `npm run check` compares the two.
// Functions that are called when something has changed or arrived.
/** A list of listeners, which are called in the order in which they were added. */
export class Listeners {
    #all = new Set();
    #untold = [];
    #telling = false;
    /** Adds a listener. The returned function removes it. */
    add(listener) {
        const entry = { listener };
        this.#all.add(entry);
        return () => void this.#all.delete(entry);
    }
    /**
     * Calls all listeners. An error that a listener throws is reported and does not affect the others. News that a
     * listener causes wait until all listeners were called with the current news, so that all get the news in one order.
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
/** Reports an error as an uncaught one, without an effect on the caller. */
function report(error) {
    const page = globalThis;
    if (page.reportError)
        page.reportError(error);
    else
        queueMicrotask(() => {
            throw error;
        });
}
