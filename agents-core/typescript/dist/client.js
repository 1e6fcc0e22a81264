// Built from `agents-core/typescript/src/client.ts` by `npm run build`; `npm run check` compares the two.
// The client of the agents in `agents.ts`. The command `types` writes this file, and overwrites changes.
import { agents } from "./agents.js";
import { open } from "./runtime/client.js";
export { CloseCode } from "./runtime/close-code.js";
export { AgentError } from "./runtime/error.js";
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
export function connect(agent, name, options = {}) {
    return open(agents[agent], name, options);
}
