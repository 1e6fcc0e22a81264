// Clients of the two pinned versions of the npm package, with helpers for the tests: a log of frames,
// waiting, and closing after the test.

import * as newer from "agents/client";
import * as older from "agents-0.21/client";
import WebSocket from "ws";

/** The versions under test. `waitsForState`: `ready` settles after the state. */
export const VERSIONS = [
  { label: "0.32.0", waitsForState: true, ...newer },
  { label: "0.21.0", waitsForState: false, ...older },
];

const WAIT_LIMIT_MS = 10_000;
let names = 0;

/** Returns an instance name that no other test uses. */
export function uniqueName(prefix = "room") {
  names += 1;
  return `${prefix}-${process.pid}-${names}`;
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Polls until `check` returns a truthy value, and returns that value. */
export async function until(check, what, limit = WAIT_LIMIT_MS) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(5);
  }
}

/** Rejects when `promise` takes longer than the limit. */
export function settled(promise, what, limit = WAIT_LIMIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited in vain for ${what}`)),
      limit,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Opens a client of `version` and records all its events.
 *
 * The result is the unmodified `AgentClient` with a `log`: `frames` (text frames as parsed JSON if possible,
 * else unchanged), `states`, `stateErrors`, `closes`, `opens`, `attempts` and `connectionErrors`.
 */
export function open(t, version, server, options = {}) {
  const log = {
    frames: [],
    states: [],
    stateErrors: [],
    identities: [],
    connectionErrors: [],
    closes: [],
    opens: 0,
    attempts: [],
  };
  const { headers, ...rest } = options;
  class RecordedSocket extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols ?? [], { headers });
      log.attempts.push(url);
    }
  }
  const client = new version.AgentClient({
    agent: "TestCounter",
    host: server.host,
    WebSocket: RecordedSocket,
    minReconnectionDelay: 50,
    maxReconnectionDelay: 200,
    onStateUpdate: (state, source) => log.states.push({ state, source }),
    onStateUpdateError: (error) => log.stateErrors.push(error),
    onIdentity: (name, agent) => log.identities.push({ name, agent }),
    onConnectionError: (error) => log.connectionErrors.push(error),
    ...rest,
  });
  client.binaryType = "arraybuffer";
  client.addEventListener("open", () => {
    log.opens += 1;
  });
  client.addEventListener("message", ({ data }) => {
    log.frames.push(typeof data === "string" ? parsed(data) : data);
  });
  client.addEventListener("close", ({ code, reason, wasClean }) => {
    log.closes.push({ code, reason, wasClean });
  });
  client.addEventListener("error", () => {});
  client.log = log;
  t.after(() => {
    // Terminal closes end the client by themselves. A second close does no harm.
    client.close();
  });
  return client;
}

/** Opens a client and waits until it is identified. */
export async function connect(t, version, server, options = {}) {
  const client = open(t, version, server, options);
  await settled(client.ready, "ready");
  return client;
}

/** Waits for a frame that matches `wanted`. Earlier frames count too. */
export function frame(client, wanted, what = "a frame") {
  return until(() => client.log.frames.find(wanted), what);
}

/** Returns the frames of one protocol type. */
export function framesOf(client, type) {
  return client.log.frames.filter((each) => each?.type === type);
}

/**
 * Waits until every frame that the server has sent to `client` so far has arrived.
 *
 * Frames of one socket keep their order, so the answer of a call comes after all frames before it. After this
 * wait, a frame that has not arrived was not sent.
 */
export async function drained(client) {
  await settled(client.call("echo", ["drained"]), "an answer");
}

/** Registers `body` once for each version, with the version in the title. */
export function each(test, title, body) {
  for (const version of VERSIONS) {
    test(`${title} [${version.label}]`, (t) => body(t, version));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
