// A WebSocket that a test controls.

import { type AgentClient, connect, type ConnectOptions } from "../src/client.js";

/** A replacement for `WebSocket`. All its events come from the test. */
export class FakeSocket extends EventTarget {
  /** The sockets that were made since `reset`. */
  static made: FakeSocket[] = [];

  static reset(): void {
    FakeSocket.made = [];
  }

  /** Returns the newest socket. */
  static get last(): FakeSocket {
    const last = FakeSocket.made.at(-1);
    if (!last) throw new Error("no client has connected");
    return last;
  }

  readyState = 0;
  binaryType = "blob";
  bufferedAmount = 0;
  readonly sent: unknown[] = [];
  closedWith: [code: number | undefined, reason: string | undefined] | undefined;

  constructor(readonly url: string) {
    super();
    FakeSocket.made.push(this);
  }

  send(data: unknown): void {
    if (this.readyState !== 1) throw new Error("sent on a socket that is not open");
    this.sent.push(data);
  }

  close(code?: number, reason?: string): void {
    this.readyState = 2;
    this.closedWith = [code, reason];
  }

  /** Returns the data that was sent since the last call. */
  take(): unknown[] {
    return this.sent.splice(0);
  }

  opens(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  /** Delivers a frame from the server. */
  says(frame: object | string): void {
    const data = typeof frame === "string" ? frame : JSON.stringify(frame);
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  /** Delivers the greeting that a server sends on every connection. */
  greets(state?: unknown): void {
    const follows = state === undefined ? {} : { stateFollows: true };
    this.says({ type: "cf_agent_identity", name: "a", agent: "test-counter", ...follows });
    if (state !== undefined) this.says({ type: "cf_agent_state", state });
    this.says({ mcp: { prompts: [], resources: [], servers: {}, tools: [] }, type: "cf_agent_mcp_servers" });
  }

  answers(id: string, result: unknown, done = true): void {
    this.says({ done, id, result, success: true, type: "rpc" });
  }

  ends(code: number, reason = ""): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason, wasClean: code !== 1006 }));
  }
}

/** Returns a client on a fake socket. The socket does not exist before the next tick. */
export function client(options: ConnectOptions = {}): AgentClient<"TestCounter"> {
  return connect("TestCounter", "a", { host: "h.test", connectionId: "me", WebSocket: FakeSocket, ...options });
}
