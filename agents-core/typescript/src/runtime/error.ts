// The errors of a client.

import { isFinal } from "./close-code.js";

/**
 * The kind of an error.
 *
 * - `rpc`: the agent answered with an error, whose text is the message
 * - `readonly`: a read-only connection may not do this
 * - `forbidden`: the caller lacks the right that the method needs
 * - `rejected`: the agent refused a state that was set
 * - `timeout`: no answer in time
 * - `disconnected`: the connection was lost; a call that was sent may have run or not
 * - `refused`: the server closed the connection with `closeCode`, and the client does not connect again
 * - `closed`: this client was closed
 * - `aborted`: the signal of the call fired, or the loop over the stream was left
 * - `overflow`: too much data waits to be sent, or too many pieces of a stream wait to be read
 * - `invalid`: a value has no JSON form
 * - `query`: the function that makes the query failed
 */
export type AgentErrorCode =
  | "rpc"
  | "readonly"
  | "forbidden"
  | "rejected"
  | "timeout"
  | "disconnected"
  | "refused"
  | "closed"
  | "aborted"
  | "overflow"
  | "invalid"
  | "query";

/** An error of a client, with a code to branch on. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  /** The kind of the error. */
  readonly code: AgentErrorCode;
  /** The close code, if the connection was closed with one. */
  readonly closeCode: number | undefined;

  constructor(code: AgentErrorCode, message: string, options: { closeCode?: number; cause?: unknown } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.closeCode = options.closeCode;
  }
}

/** Returns the error of a failed call. The protocol fixes the two texts. */
export function answered(text: string): AgentError {
  if (text === "Connection is readonly") return new AgentError("readonly", text);
  if (text === "Insufficient permissions") return new AgentError("forbidden", text);
  return new AgentError("rpc", text);
}

/** Returns the error of a connection that has ended, with the reason as its text. The protocol fixes the codes after which a client stays closed. */
export function ended(closeCode: number, reason: string): AgentError {
  const text = reason === "" ? `the connection was closed with ${closeCode}` : reason;
  if (isFinal(closeCode)) return new AgentError("refused", text, { closeCode });
  return new AgentError("disconnected", text, { closeCode });
}
