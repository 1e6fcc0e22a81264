// Built from `agents-core/typescript/src/runtime/stream.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
/**
 * The answer of a streaming method: iterate over it for the pieces, await it for the result.
 *
 * The call starts immediately. A loop that is left early stops the method on the server; awaiting the stream then fails
 * with `aborted`. Awaiting without a loop skips the pieces. An error of the call is thrown by the loop and by `await`.
 */
export interface AgentStream<Item, Result> extends AsyncIterableIterator<Item, undefined>, PromiseLike<Result> {
    /** Returns the next piece. */
    next(): Promise<IteratorResult<Item, undefined>>;
    /** Stops the method on the server. Pieces that were not read are dropped. */
    return(): Promise<IteratorResult<Item, undefined>>;
    [Symbol.asyncIterator](): AgentStream<Item, Result>;
}
/** The writing end of a stream, which the client holds. */
export interface StreamSink {
    /** Adds a piece. Returns `false` if the reader is too far behind. */
    item(item: unknown): boolean;
    end(result: unknown): void;
    fail(error: AgentError): void;
}
/** Makes a stream and its writing end. `stop` is called once if the reader leaves the stream before its end. */
export declare function makeStream(limit: number, stop: () => void): {
    stream: AgentStream<unknown, unknown>;
    sink: StreamSink;
};
