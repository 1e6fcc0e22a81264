// The client of the agents in `agents.ts`. The command `types` writes this file, and overwrites changes.

import { type Agents, agents } from "./agents.js";
import { type Client, type Metadata, open } from "./runtime/client.js";
import type { ConnectOptions } from "./runtime/options.js";

export type { Identity, Message, Status } from "./runtime/connection.js";
export { CloseCode } from "./runtime/close-code.js";
export { AgentError, type AgentErrorCode } from "./runtime/error.js";
export type { CallOptions, ConnectOptions, Query } from "./runtime/options.js";
export type { AgentStream } from "./runtime/stream.js";

/** A client of an agent of this class. */
export type AgentClient<Class extends keyof Agents> = Client<Agents[Class]>;

/**
 * Connects to an agent, by its class and name. The function returns immediately; calls wait for the connection.
 *
 * Throws a `TypeError` if the name or the address is invalid, or if there is no `WebSocket` class.
 *
 * ```ts
 * const room = connect("ChatRoom", "lobby", { query: { username: "ann" } });
 * room.subscribe((state) => console.log(state));
 * await room.post("hi");
 * ```
 */
export function connect<Class extends keyof Agents>(
  agent: Class,
  name: string,
  options: ConnectOptions = {},
): AgentClient<Class> {
  return open<Agents[Class]>(agents[agent] as Metadata, name, options);
}
