// Built from `agents-core/typescript/src/runtime/close-code.ts` by `npm run build`; `npm run check` compares the two.
/** The codes by name; they are the constants of `agents::wire::close_code` in Rust. */
export declare const CloseCode: {
    /** The connection has done what it was for. */
    readonly NORMAL: 1000;
    /** The server shuts down, or another connection with the same id replaces this one. */
    readonly GOING_AWAY: 1001;
    /** The peer broke the WebSocket protocol. */
    readonly PROTOCOL_ERROR: 1002;
    /** The close frame had no code. Never sent. */
    readonly NO_CODE: 1005;
    /** The connection ended without a close frame. Never sent. */
    readonly ABNORMAL: 1006;
    /** A text is not UTF-8. */
    readonly INVALID_DATA: 1007;
    /** The agent refuses the connection by a rule of its own. */
    readonly POLICY_VIOLATION: 1008;
    /** A message is larger than `Limits::message_bytes`. */
    readonly TOO_LARGE: 1009;
    /** The agent failed while the connection was open, or gave it wrong tags. */
    readonly INTERNAL_ERROR: 1011;
    /** The server is busy, or the client is too slow. */
    readonly TRY_AGAIN_LATER: 1013;
    /** The request makes no sense: a name, a path or a transport that is not supported. */
    readonly BAD_REQUEST: 4400;
    /** The client did not say who it is. */
    readonly UNAUTHORIZED: 4401;
    /** The client may not connect to this agent, or its page comes from an origin that is not allowed. */
    readonly FORBIDDEN: 4403;
    /** There is no such agent. */
    readonly NOT_FOUND: 4404;
    /** The client sent nothing for `Limits::idle_timeout`. */
    readonly IDLE: 4408;
    /** There are too many connections, of the host, the agent or the address. */
    readonly TOO_MANY: 4429;
    /** The agent failed before it accepted the connection, or did not start in time. */
    readonly SERVER_ERROR: 4500;
    /** No agent can be started at the moment, or the program did not decide in time. */
    readonly UNAVAILABLE: 4503;
};
/** Returns whether a client must not connect again after this code. */
export declare function isFinal(code: number): boolean;
/** Returns whether a client may close with this code. */
export declare function isForClients(code: number): boolean;
