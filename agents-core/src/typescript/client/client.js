// The client of the agents in `agents.ts`. It comes with the command `types`; change nothing here.
import { agents } from "./agents.js";
import { open } from "./runtime/client.js";
export { AgentError } from "./runtime/error.js";
/**
 * Connects to an agent, by its class and name. It returns at once: what is called meanwhile waits for the connection.
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
