// Built from `agents-core/typescript/src/runtime/error.ts` by `npm run build`; `npm run check` compares the two.
// What can go wrong for a client.
import { isFinal } from "./close-code.js";
/** An error of a client, with a code to branch on. */
export class AgentError extends Error {
    name = "AgentError";
    /** What kind of error it is. */
    code;
    /** The close code of the connection, where one ended it. */
    closeCode;
    constructor(code, message, options = {}) {
        super(message, "cause" in options ? { cause: options.cause } : undefined);
        this.code = code;
        this.closeCode = options.closeCode;
    }
}
/** The error of an answer. The two texts are fixed by the protocol. */
export function answered(text) {
    if (text === "Connection is readonly")
        return new AgentError("readonly", text);
    if (text === "Insufficient permissions")
        return new AgentError("forbidden", text);
    return new AgentError("rpc", text);
}
/** The error of a connection that has ended; the codes of which a client never comes back are fixed by the protocol. */
export function ended(closeCode, reason) {
    const text = `${closeCode} ${reason}`.trimEnd();
    if (isFinal(closeCode))
        return new AgentError("refused", text, { closeCode });
    return new AgentError("disconnected", text, { closeCode });
}
