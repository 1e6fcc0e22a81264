// Built from `agents-core/typescript/src/runtime/error.ts` by `npm run build`; `npm run check` compares the two.
// The errors of a client.
import { isFinal } from "./close-code.js";
/** An error of a client, with a code to branch on. */
export class AgentError extends Error {
    name = "AgentError";
    /** The kind of the error. */
    code;
    /** The close code, if the connection was closed with one. */
    closeCode;
    constructor(code, message, options = {}) {
        super(message, "cause" in options ? { cause: options.cause } : undefined);
        this.code = code;
        this.closeCode = options.closeCode;
    }
}
/** Returns the error of a failed call. The protocol fixes the two texts. */
export function answered(text) {
    if (text === "Connection is readonly")
        return new AgentError("readonly", text);
    if (text === "Insufficient permissions")
        return new AgentError("forbidden", text);
    return new AgentError("rpc", text);
}
/** Returns the error of a connection that has ended, with the reason as its text. The protocol fixes the codes after which a client stays closed. */
export function ended(closeCode, reason) {
    const text = reason === "" ? `the connection was closed with ${closeCode}` : reason;
    if (isFinal(closeCode))
        return new AgentError("refused", text, { closeCode });
    return new AgentError("disconnected", text, { closeCode });
}
