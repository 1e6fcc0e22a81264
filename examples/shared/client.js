// A small client of the agents wire protocol: complete enough for these pages, and short enough to read at
// once.
// In an application, use the npm package `agents` (AgentClient, useAgent): it speaks the same frames.
"use strict";

class AgentSocket {
  #socket; #timer; #attempts = 0; #calls = new Map(); #lastId = 0; #beforePush; #on;

  /**
   * `agent` is the class in kebab case, `name` is the instance, and `query` is added to the address.
   * Handlers: onStatus(status, detail), onState(state), onStateError(text), onMessage(value), onFrame(arrow, data).
   */
  constructor({ agent, name, query = {}, ...handlers }) {
    this.agent = agent;
    this.name = name;
    this.query = query;
    this.status = "closed";
    // The id of this connection. It stays the same over reconnects, so the server sees the same client again.
    this.id = Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#on = handlers;
  }

  connect() {
    this.#drop();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = new URLSearchParams({ ...this.query, _pk: this.id });
    const address = `${scheme}://${location.host}/agents/${this.agent}/${encodeURIComponent(this.name)}?${query}`;
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#setStatus("connecting");
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#closed(code, reason);
  }

  /** Closes the connection. The client does not reconnect until connect() is called. */
  close() {
    const socket = this.#socket;
    this.#drop();
    socket?.close(1000, "left");
    this.#failCalls("the connection was closed", true);
    this.#setStatus("closed");
  }

  /** Calls a method; the promise settles with the result, with an error, or with the end of the connection. */
  call(method, ...args) {
    return this.#request(method, args, undefined, 30_000);
  }

  /** Calls a streaming method; every chunk goes to `onChunk`, the promise resolves with the final value. */
  stream(method, args, onChunk) {
    return this.#request(method, args, onChunk, undefined);
  }

  /** Replaces the state. The server answers only if it refuses the state; the client then shows the old state again. */
  setState(state) {
    this.#beforePush = this.state;
    this.state = state;
    this.#transmit(JSON.stringify({ type: "cf_agent_state", state }));
    this.#on.onState?.(state);
  }

  /** Sends an application frame: plain text or bytes. */
  send(data) {
    this.#transmit(data);
  }

  #request(method, args, onChunk, timeout) {
    return new Promise((resolve, reject) => {
      const id = String(++this.#lastId);
      const timer = timeout && setTimeout(() => this.#settle(id, (call) => call.reject(new Error("no answer in time"))), timeout);
      const frame = JSON.stringify({ type: "rpc", id, method, args });
      this.#calls.set(id, { resolve, reject, onChunk, timer, frame, sent: false });
      if (this.status === "open") this.#sendCalls();
      else if (!this.#socket) this.#settle(id, (call) => call.reject(new Error("not connected")));
    });
  }

  #transmit(data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#on.onFrame?.("→", data);
    this.#socket.send(data);
  }

  #receive(data) {
    this.#on.onFrame?.("←", data);
    let frame;
    try {
      frame = typeof data === "string" ? JSON.parse(data) : undefined;
    } catch {
      frame = undefined; // plain text: a message of the application
    }
    switch (frame?.type) {
      case "cf_agent_identity":
        return this.#ready();
      case "cf_agent_state":
        this.state = frame.state;
        return this.#on.onState?.(frame.state);
      case "cf_agent_state_error":
        this.state = this.#beforePush;
        this.#on.onState?.(this.state);
        return this.#on.onStateError?.(frame.error);
      case "cf_agent_mcp_servers":
        return undefined;
      case "rpc":
        return this.#answer(frame);
      default:
        return this.#on.onMessage?.(frame ?? data);
    }
  }

  #ready() {
    this.#attempts = 0;
    this.#setStatus("open");
    this.#sendCalls();
  }

  #sendCalls() {
    for (const call of this.#calls.values()) {
      if (!call.sent) this.#transmit(call.frame);
      call.sent = true;
    }
  }

  #answer({ id, success, done, result, error }) {
    if (!success) this.#settle(id, (call) => call.reject(new Error(error)));
    else if (done) this.#settle(id, (call) => call.resolve(result));
    else this.#calls.get(id)?.onChunk?.(result);
  }

  #settle(id, how) {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    clearTimeout(call.timer);
    how(call);
  }

  #closed(code, reason) {
    const final = code === 1008 || (code >= 4000 && code <= 4999);
    this.#failCalls("the connection was lost", final);
    if (final) {
      this.#drop();
      return this.#setStatus("refused", `${code} ${reason}`);
    }
    // Back off up to 8 s, with jitter, so that the clients of a restarted server do not all reconnect at the
    // same time.
    const delay = Math.min(8000, 300 * 2 ** this.#attempts++) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.connect(), delay);
    return this.#setStatus("lost", `${code} ${reason}`);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#socket = undefined;
  }

  // A call that was sent may have run, so it is not sent again. A call that was not sent yet is sent after
  // the reconnect.
  #failCalls(why, all) {
    for (const [id, { sent }] of [...this.#calls]) {
      if (sent || all) this.#settle(id, (call) => call.reject(new Error(why)));
    }
  }

  #setStatus(status, detail = "") {
    this.status = status;
    this.#on.onStatus?.(status, detail);
  }
}

/** Copies the page's <template>, puts it into <main>, and gives every [data-part] the test id `key-part`. */
function panel(key) {
  const copy = document.querySelector("template").content.cloneNode(true);
  const parts = {};
  for (const element of copy.querySelectorAll("[data-part]")) {
    parts[element.dataset.part] = element;
    element.dataset.testid = element.id = `${key}-${element.dataset.part}`;
  }
  document.querySelector("main").append(copy);
  return parts;
}

/** Creates an element with properties and children; text stays text. */
function element(tag, properties = {}, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}
