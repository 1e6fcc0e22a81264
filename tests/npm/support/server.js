// Starts a server of this project as a child process, one server for each test file.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TARGET =
  process.env.CARGO_TARGET_DIR ||
  fileURLToPath(new URL("../../../target", import.meta.url));
const CONFORMANCE =
  process.env.AGENTS_TEST_SERVER || join(TARGET, "debug", "conformance");
const LISTENING = /listening on (http:\/\/\S+)/;
const START_LIMIT_MS = 20_000;

/** Returns the path of the program of the example `name`. */
export function example(name) {
  return join(TARGET, "debug", "examples", name);
}

/** Returns the folder of the program that `scripts/test.sh templates` has made from a template. */
export function fromTemplate(name) {
  return join(TARGET, "templates", name);
}

/** Returns the path of the program `name` of a package of this workspace. */
export function program(name) {
  return join(TARGET, "debug", name);
}

/** Returns the path of the program that was made from a template. */
export function templateProgram(name) {
  return join(TARGET, "debug", name);
}

/** A running server and the folder that holds its data. */
export class TestServer {
  #program;
  #cwd;
  #child;
  #log = "";

  /** Starts a server with an empty data folder, on a free port. `cwd` is the folder that it runs in. */
  static async start(program = CONFORMANCE, { cwd } = {}) {
    const server = new TestServer();
    server.#program = program;
    server.#cwd = cwd;
    server.data = await mkdtemp(join(tmpdir(), "agents-npm-"));
    await server.#spawn("127.0.0.1:0");
    return server;
  }

  /** Returns `127.0.0.1:PORT`, the form of the option `host` of the clients. */
  get host() {
    return new URL(this.url).host;
  }

  /** Returns the standard error of the server so far. */
  get log() {
    return this.#log;
  }

  /** Kills the process without any cleanup. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** Sends SIGTERM to the process and waits until it has ended. */
  async terminate() {
    await this.#end("SIGTERM");
  }

  /** Starts the server again on the same port and data folder. */
  async startAgain() {
    await this.#spawn(this.host);
  }

  /** Ends the process and removes its data. */
  async stop() {
    await this.#end("SIGTERM");
    await rm(this.data, { recursive: true, force: true });
  }

  #spawn(address) {
    const child = spawn(
      this.#program,
      ["serve", "--addr", address, "--data", this.data],
      { cwd: this.#cwd, stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#child = child;
    return new Promise((resolve, reject) => {
      const failed = (what) =>
        reject(new Error(`${this.#program} ${what}\n${this.#log}`));
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        failed("did not print its address");
      }, START_LIMIT_MS);
      let out = "";
      child.stdout.setEncoding("utf8");
      child.stdout.on("data", (text) => {
        out += text;
        const found = LISTENING.exec(out);
        if (found) {
          clearTimeout(timer);
          this.url = found[1].replace(/\/$/, "");
          resolve();
        }
      });
      child.stderr.setEncoding("utf8");
      child.stderr.on("data", (text) => {
        this.#log = (this.#log + text).slice(-20_000);
      });
      child.once("error", (error) => {
        clearTimeout(timer);
        failed(`did not start: ${error.message}`);
      });
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        failed(`ended (${code ?? signal}) before it listened`);
      });
    });
  }

  #end(signal) {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const force = setTimeout(() => child.kill("SIGKILL"), 5_000);
      child.once("exit", () => {
        clearTimeout(force);
        resolve();
      });
      child.kill(signal);
    });
  }
}
