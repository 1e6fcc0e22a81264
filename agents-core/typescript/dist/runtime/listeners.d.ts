// Built from `agents-core/typescript/src/runtime/listeners.ts` by `npm run build`; `npm run check` compares the two.
/** A list of listeners, which are called in the order in which they were added. */
export declare class Listeners<News extends unknown[]> {
    #private;
    /** Adds a listener. The returned function removes it. */
    add(listener: (...news: News) => void): () => void;
    /**
     * Calls all listeners. An error that a listener throws is reported and does not affect the others. News that a
     * listener causes wait until all listeners were called with the current news, so that all get the news in one order.
     */
    tell(...news: News): void;
}
