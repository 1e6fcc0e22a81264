// Built from `agents-core/typescript/src/runtime/calls.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
import type { StreamSink } from "./stream.js";
type Sink = {
    resolve(result: unknown): void;
    reject(error: AgentError): void;
} | StreamSink;
/** All calls without an answer, by id. */
export declare class Calls {
    #private;
    /** Notes a call. `done` runs when it is settled, however that comes. */
    add(sink: Sink, done: () => void): string;
    has(id: string): boolean;
    wasSent(id: string): boolean;
    sent(id: string): void;
    result(id: string, value: unknown): void;
    /** A piece has come; `false` when its reader is too far behind. */
    item(id: string, value: unknown): boolean;
    fail(id: string, error: AgentError): void;
    /** Fails the calls that were sent, or all of them. */
    failAll(error: AgentError, which: "sent" | "all"): void;
    /** Nobody waits for the call any more. */
    forget(id: string): void;
}
export {};
