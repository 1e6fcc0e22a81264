// Puts the unmodified client on `window`, so that the tests can use it.

import { AgentClient, agentFetch } from "agents/client";

const clients = new Map();

/** Opens a client and stores it under `key`, with a log of all events. */
function open(key, options) {
  const log = {
    frames: [],
    binary: [],
    states: [],
    stateErrors: [],
    closes: [],
    connectionErrors: [],
    opens: 0,
  };
  const client = new AgentClient({
    host: window.location.host,
    agent: "TestCounter",
    minReconnectionDelay: 50,
    maxReconnectionDelay: 200,
    onStateUpdate: (state, source) => log.states.push({ state, source }),
    onStateUpdateError: (error) => log.stateErrors.push(error),
    onConnectionError: ({ code, reason }) =>
      log.connectionErrors.push({ code, reason }),
    ...options,
  });
  client.binaryType = "arraybuffer";
  client.addEventListener("open", () => {
    log.opens += 1;
  });
  client.addEventListener("message", ({ data }) => {
    if (typeof data === "string") log.frames.push(data);
    else log.binary.push([...new Uint8Array(data)]);
  });
  client.addEventListener("close", ({ code, reason, wasClean }) => {
    log.closes.push({ code, reason, wasClean });
  });
  clients.set(key, { client, log });
  return client;
}

window.test = {
  agentFetch,
  open,
  client: (key) => clients.get(key).client,
  log: (key) => clients.get(key).log,
};
