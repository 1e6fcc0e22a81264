// The test server of this repository, as a child process.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { WebSocket } from "ws";

// Node.js has a global `WebSocket` from version 22 on.
globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket;

const TARGET = process.env.CARGO_TARGET_DIR ?? join(process.cwd(), "../../target");
const PROGRAM = process.env.AGENTS_TEST_SERVER ?? join(TARGET, "debug", "conformance");

/** A server with its own data folder; it can be killed and started again at the same address. */
export class Server {
  #child: ChildProcess | undefined;
  readonly #data: string;
  host = "127.0.0.1:0";

  private constructor(data: string) {
    this.#data = data;
  }

  static async start(): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), "agents-vitest-")));
    await server.startAgain();
    return server;
  }

  async startAgain(): Promise<void> {
    const child = spawn(PROGRAM, ["--addr", this.host, "--data", this.#data], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.host = await new Promise((resolve, reject) => {
      let log = "";
      const read = (data: unknown) => {
        log += data;
        const found = /listening on http:\/\/(\S+)/.exec(log)?.[1];
        if (found) resolve(found);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`the server did not start: ${log}`)));
    });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGKILL");
    });
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
  }
}

let names = 0;

/** Returns a name that no other test uses. */
export function uniqueName(): string {
  return `vitest-${process.pid}-${(names += 1)}`;
}

/** Waits until a condition holds. */
export async function until(condition: () => unknown | Promise<unknown>, what = "the condition"): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out while waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
