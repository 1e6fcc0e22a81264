// Built from `agents-core/typescript/src/runtime/listeners.ts` by `npm run build`; `npm run check` compares the two.
/** Listeners, told in the order in which they came. */
export declare class Listeners<News extends unknown[]> {
    #private;
    /** Adds a listener; the returned function takes it away. */
    add(listener: (...news: News) => void): () => void;
    /**
     * Tells all of them. What a listener throws is reported and harms nobody. News that a listener causes wait until
     * everybody has heard these, so that all hear them in one order.
     */
    tell(...news: News): void;
}
