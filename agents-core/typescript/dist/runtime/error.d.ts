// Built from `agents-core/typescript/src/runtime/error.ts` by `npm run build`; `npm run check` compares the two.
/**
 * What kind of error it is.
 *
 * - `rpc`: the agent answered with an error, whose text is the message
 * - `readonly`: a read-only connection may not do this
 * - `forbidden`: the caller lacks the right that the method needs
 * - `rejected`: the agent refused a state that was set
 * - `timeout`: no answer in time
 * - `disconnected`: the connection was lost; of a call it is not known whether it ran
 * - `refused`: the server closed the connection for good, with `closeCode`
 * - `closed`: this client was closed
 * - `aborted`: the signal of the call said stop, or the stream was left
 * - `overflow`: too much waits to be sent, or to be read
 * - `invalid`: a value has no JSON form
 * - `query`: the function that makes the query failed
 */
export type AgentErrorCode = "rpc" | "readonly" | "forbidden" | "rejected" | "timeout" | "disconnected" | "refused" | "closed" | "aborted" | "overflow" | "invalid" | "query";
/** An error of a client, with a code to branch on. */
export declare class AgentError extends Error {
    readonly name = "AgentError";
    /** What kind of error it is. */
    readonly code: AgentErrorCode;
    /** The close code of the connection, where one ended it. */
    readonly closeCode: number | undefined;
    constructor(code: AgentErrorCode, message: string, options?: {
        closeCode?: number;
        cause?: unknown;
    });
}
/** The error of an answer. The two texts are fixed by the protocol. */
export declare function answered(text: string): AgentError;
/** The error of a connection that has ended; the codes of which a client never comes back are fixed by the protocol. */
export declare function ended(closeCode: number, reason: string): AgentError;
