// The codes that a connection is closed with.

/** The codes by name; they are the constants of `agents::wire::close_code` in Rust. */
export const CloseCode = {
  /** The connection has done what it was for. */
  NORMAL: 1000,
  /** The server shuts down, or another connection with the same id replaces this one. */
  GOING_AWAY: 1001,
  /** The peer broke the WebSocket protocol. */
  PROTOCOL_ERROR: 1002,
  /** The close frame had no code. Never sent. */
  NO_CODE: 1005,
  /** The connection ended without a close frame. Never sent. */
  ABNORMAL: 1006,
  /** A text is not UTF-8. */
  INVALID_DATA: 1007,
  /** The agent refuses the connection by a rule of its own. */
  POLICY_VIOLATION: 1008,
  /** A message is larger than `Limits::message_bytes`. */
  TOO_LARGE: 1009,
  /** The agent failed while the connection was open, or gave it wrong tags. */
  INTERNAL_ERROR: 1011,
  /** The server is busy, or the client is too slow. */
  TRY_AGAIN_LATER: 1013,
  /** The request makes no sense: a name, a path or a transport that is not supported. */
  BAD_REQUEST: 4400,
  /** The client did not say who it is. */
  UNAUTHORIZED: 4401,
  /** The client may not connect to this agent, or its page comes from an origin that is not allowed. */
  FORBIDDEN: 4403,
  /** There is no such agent. */
  NOT_FOUND: 4404,
  /** The client sent nothing for `Limits::idle_timeout`. */
  IDLE: 4408,
  /** There are too many connections, of the host, the agent or the address. */
  TOO_MANY: 4429,
  /** The agent failed before it accepted the connection, or did not start in time. */
  SERVER_ERROR: 4500,
  /** No agent can be started at the moment, or the program did not decide in time. */
  UNAVAILABLE: 4503,
} as const;

/** Returns whether a client must not connect again after this code. */
export function isFinal(code: number): boolean {
  return code === CloseCode.POLICY_VIOLATION || (code >= 4000 && code <= 4999);
}

/** Returns whether a client may close with this code. */
export function isForClients(code: number): boolean {
  return code === CloseCode.NORMAL || (code >= 3000 && code <= 4999);
}
