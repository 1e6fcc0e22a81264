// Built from `agents-core/typescript/src/runtime/calls.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
import type { StreamSink } from "./stream.js";
type Sink = {
    resolve(result: unknown): void;
    reject(error: AgentError): void;
} | StreamSink;
/** The calls that have no answer yet, by id. */
export declare class Calls {
    #private;
    /** Adds a call and returns its id. `done` runs once, when the call is settled in any way. */
    add(sink: Sink, done: () => void): string;
    has(id: string): boolean;
    wasSent(id: string): boolean;
    sent(id: string): void;
    result(id: string, value: unknown): void;
    /** Passes a piece of a streamed answer on. Returns `false` if the reader is too far behind. */
    item(id: string, value: unknown): boolean;
    fail(id: string, error: AgentError): void;
    /** Fails the calls that were sent, or all calls. */
    failAll(error: AgentError, which: "sent" | "all"): void;
    /** Removes a call whose caller does not wait any more. */
    forget(id: string): void;
}
export {};
