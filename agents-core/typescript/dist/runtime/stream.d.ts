// Built from `agents-core/typescript/src/runtime/stream.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
/**
 * The answer of a streaming method: iterate over it for the pieces, await it for the result.
 *
 * The call starts at once. A loop that is left early stops the method on the server, and there is no result then
 * (`aborted`). Awaiting without a loop skips the pieces. An error of the call comes out of both.
 */
export interface AgentStream<Item, Result> extends AsyncIterableIterator<Item, undefined>, PromiseLike<Result> {
    /** The next piece. */
    next(): Promise<IteratorResult<Item, undefined>>;
    /** Stops the method on the server; pieces that have come are dropped. */
    return(): Promise<IteratorResult<Item, undefined>>;
    [Symbol.asyncIterator](): AgentStream<Item, Result>;
}
/** The end of a stream that the client holds. */
export interface StreamSink {
    /** Takes a piece; `false` when the reader is too far behind. */
    item(item: unknown): boolean;
    end(result: unknown): void;
    fail(error: AgentError): void;
}
/** Makes a stream and its other end. `stop` is called once if the reader goes before the end. */
export declare function makeStream(limit: number, stop: () => void): {
    stream: AgentStream<unknown, unknown>;
    sink: StreamSink;
};
