// Built from `agents-core/typescript/src/runtime/connection.ts` by `npm run build`; `npm run check` compares the two.
// One connection to one agent: calls, state and messages over a socket that reconnects by itself.
import ReconnectingWebSocket from "partysocket/ws";
import { Calls } from "./calls.js";
import { CloseCode, isFinal, isForClients } from "./close-code.js";
import { AgentError, answered, ended } from "./error.js";
import { Listeners } from "./listeners.js";
import { address, canonical, randomId, search } from "./options.js";
import { Outbox } from "./outbox.js";
import { StateCache } from "./state-cache.js";
import { makeStream } from "./stream.js";
/** The `readyState` of an open socket. */
const OPEN = 1;
/** The longest time of a timer, in milliseconds. A longer time limit is no limit. */
const LONGEST = 2 ** 31 - 1;
/** A connection, without the types of its agent. */
export class Connection {
    connectionId;
    stateCache = new StateCache();
    messages = new Listeners();
    statuses = new Listeners();
    ready;
    closed;
    status = "connecting";
    /** The reason why there is no connection. */
    error;
    identity;
    mcpServers;
    #options;
    #calls = new Calls();
    #outbox;
    #asked;
    /** The address without its query, set by `start`. */
    #base = "";
    /** Ends the wait before the next attempt. */
    #attempt = () => { };
    #socket;
    #settleReady;
    #settleClosed;
    /** An identity whose state has not arrived yet. */
    #announced;
    #isOpen = false;
    /** Set if the query of this attempt has failed. That error is already reported. */
    #queryFailed = false;
    constructor(route, name, options) {
        this.#options = options;
        this.connectionId = options.connectionId ?? randomId();
        this.#outbox = new Outbox(options.sendBuffer ?? 16 * 1024 * 1024);
        this.ready = new Promise((resolve, reject) => {
            this.#settleReady = { resolve, reject };
        });
        // A program that does not await `ready` gets a refusal from `onStatus`.
        this.ready.catch(() => { });
        this.closed = new Promise((resolve) => {
            this.#settleClosed = resolve;
        });
        this.#asked = { name: options.path === undefined ? canonical(name) : name, agent: route };
    }
    /** Starts to connect. Calls that were made before wait for the connection. */
    start() {
        if (this.#socket || this.#isOver())
            return;
        const options = this.#options;
        this.#base = address(this.#asked.agent, this.#asked.name, options);
        if (options.WebSocket === undefined && typeof WebSocket === "undefined") {
            throw new TypeError("without a global `WebSocket` the option of this name is needed");
        }
        // The delay is random, so that the clients of a restarted server do not reconnect at the same time.
        const least = (options.minReconnectDelay ?? 500) * (1 + Math.random());
        const url = async () => {
            await this.#pause(least, socket.retryCount);
            return this.#url();
        };
        const socket = new ReconnectingWebSocket(url, null, {
            // The wait of the library continues after a close and keeps a Node.js process alive; `#pause` waits instead.
            minReconnectionDelay: 0,
            maxReconnectionDelay: 0,
            connectionTimeout: options.connectTimeout ?? 10_000,
            // The library queues nothing, because the outbox must know which frames were sent.
            maxEnqueuedMessages: 0,
            shouldReconnectOnClose: ({ code }) => !isFinal(code),
            ...(options.WebSocket === undefined ? {} : { WebSocket: options.WebSocket }),
        });
        socket.binaryType = "arraybuffer";
        socket.addEventListener("open", () => this.#opened());
        socket.addEventListener("message", ({ data }) => this.#received(data));
        socket.addEventListener("close", ({ code, reason }) => {
            if (!this.#queryFailed)
                this.#lost(ended(code, reason));
        });
        this.#socket = socket;
    }
    call(method, args, options = {}) {
        return new Promise((resolve, reject) => {
            const limit = options.timeout ?? this.#options.callTimeout ?? 30_000;
            const id = this.#start(method, args, { resolve, reject }, options.signal);
            if (limit > 0 && limit <= LONGEST && this.#calls.has(id)) {
                const timer = setTimeout(() => this.#giveUp(id, new AgentError("timeout", `no answer in ${limit} ms`)), limit);
                this.#timers.set(id, timer);
            }
        });
    }
    stream(method, args, options = {}) {
        let id = "";
        const { stream, sink } = makeStream(this.#options.streamBuffer ?? 4096, () => this.#stop(id, undefined));
        try {
            id = this.#start(method, args, sink, options.signal);
        }
        catch (error) {
            sink.fail(error);
        }
        return stream;
    }
    setState(state) {
        this.#check();
        if (state === undefined)
            throw new AgentError("invalid", "this value has no JSON form");
        const frame = encode({ type: "cf_agent_state", state });
        this.#outbox.push(frame, undefined, () => this.stateCache.pushed());
        this.stateCache.push(state);
        this.#flush();
    }
    send(data) {
        this.#check();
        this.#outbox.push(data);
        this.#flush();
    }
    close(code = CloseCode.NORMAL, reason = "") {
        if (this.#isOver())
            return;
        // With another code the socket would throw and stay open.
        if (!isForClients(code))
            throw new RangeError(`${code} is not a close code of clients`);
        if (new TextEncoder().encode(reason).length > 123)
            throw new RangeError("a reason has at most 123 bytes");
        const error = new AgentError("closed", "the client was closed");
        this.#outbox.dropCalls();
        this.#flush();
        this.#finish("closed", error);
        this.#socket?.close(code, reason);
        this.#attempt();
    }
    #timers = new Map();
    #start(method, args, sink, signal) {
        this.#check();
        if (signal?.aborted)
            throw new AgentError("aborted", "the call was given up", { cause: signal.reason });
        const text = encode(args);
        const abort = () => this.#stop(id, new AgentError("aborted", "the call was given up", { cause: signal?.reason }));
        const id = this.#calls.add(sink, () => {
            clearTimeout(this.#timers.get(id));
            this.#timers.delete(id);
            signal?.removeEventListener("abort", abort);
        });
        try {
            const frame = `{"type":"rpc","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"args":${text}}`;
            this.#outbox.push(frame, id, () => this.#calls.sent(id));
        }
        catch (error) {
            this.#calls.fail(id, error);
            throw error;
        }
        signal?.addEventListener("abort", abort);
        this.#flush();
        return id;
    }
    #giveUp(id, error) {
        this.#outbox.drop(id);
        this.#calls.fail(id, error);
    }
    /** Ends a call before its answer. A stream that runs is stopped on the server. */
    #stop(id, error) {
        if (!this.#calls.has(id))
            return;
        if (this.#calls.wasSent(id) && this.#isOpen) {
            this.#socket?.send(JSON.stringify({ type: "rpc_cancel", id }));
        }
        this.#outbox.drop(id);
        if (error)
            this.#calls.fail(id, error);
        else
            this.#calls.forget(id);
    }
    /** Waits before another attempt to connect, longer after each failure. A close ends the wait. */
    #pause(least, failures) {
        if (failures === 0 || this.#isOver())
            return undefined;
        const delay = Math.min(least * 1.6 ** (failures - 1), this.#options.maxReconnectDelay ?? 10_000);
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, delay);
            this.#attempt = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }
    async #url() {
        const { query = {} } = this.#options;
        this.#queryFailed = false;
        if (this.#isOver())
            return this.#base; // the client does not connect any more
        try {
            return `${this.#base}?${search(typeof query === "function" ? await query() : query, this.connectionId)}`;
        }
        catch (cause) {
            const error = new AgentError("query", `the query failed: ${cause?.message ?? cause}`, { cause });
            this.#queryFailed = true;
            this.#lost(error);
            throw error;
        }
    }
    #opened() {
        if (this.#isOver())
            return;
        this.#isOpen = true;
        this.stateCache.opened();
        this.#flush();
    }
    #flush() {
        // A socket that is closing sends nothing, so the frames wait for the next socket.
        while (this.#isOpen && this.#socket?.readyState === OPEN) {
            const next = this.#outbox.shift();
            if (!next)
                return;
            this.#socket.send(next.data);
            next.left?.();
        }
    }
    #received(data) {
        if (this.#isOver())
            return;
        const frame = typeof data === "string" ? parse(data) : undefined;
        // An agent sends messages only to clients that it has accepted.
        if (this.status !== "open")
            this.#setStatus("open", undefined);
        switch (frame?.type) {
            case "cf_agent_identity":
                return this.#greeted(frame);
            case "cf_agent_state":
                this.stateCache.received(frame.state);
                if (this.#announced)
                    this.#identified(this.#announced);
                return;
            case "cf_agent_state_error":
                return this.stateCache.refused(String(frame.error));
            case "cf_agent_mcp_servers":
                this.stateCache.greeted();
                this.mcpServers = frame.mcp;
                return this.#letIn();
        }
        this.#letIn();
        if (frame?.type === "rpc" && typeof frame.id === "string")
            return this.#answered(frame.id, frame);
        this.messages.tell(data);
    }
    #greeted(frame) {
        const identity = { name: String(frame.name), agent: String(frame.agent) };
        if (frame.stateFollows === true)
            this.#announced = identity;
        else
            this.#identified(identity);
    }
    #identified(identity) {
        this.#announced = undefined;
        this.identity = identity;
        this.#settleReady.resolve(identity);
    }
    /** Settles `ready` after the greeting. Without an identity from the agent, the result is the requested one. */
    #letIn() {
        if (!this.#announced)
            this.#settleReady.resolve(this.#asked);
    }
    #answered(id, { success, done, result, error }) {
        if (!success)
            return this.#calls.fail(id, answered(String(error)));
        if (done !== false)
            return this.#calls.result(id, result);
        if (!this.#calls.item(id, result)) {
            this.#stop(id, new AgentError("overflow", "the stream was read too slowly"));
        }
    }
    #lost(error) {
        this.#isOpen = false;
        if (this.#isOver())
            return;
        this.identity = this.#announced = undefined;
        if (error.code === "refused") {
            // A wrong class or path is a mistake of the program, so it shows even if the program handles no refusal.
            if (error.closeCode === CloseCode.NOT_FOUND || error.closeCode === CloseCode.BAD_REQUEST) {
                console.error(`agents: ${this.#base} was refused: ${error.closeCode} ${error.message}`);
            }
            this.#finish("refused", error);
            this.#socket?.close();
            return;
        }
        // The status stays `connecting` until the first connection opens, but the reason is reported.
        this.#setStatus(this.status === "connecting" ? "connecting" : "lost", error);
        this.#calls.failAll(error, "sent");
    }
    #finish(status, error) {
        this.identity = this.#announced = undefined;
        this.#setStatus(status, status === "closed" ? undefined : error);
        this.#isOpen = false;
        this.#outbox.clear();
        this.#calls.failAll(error, "all");
        this.#settleReady.reject(error);
        this.#settleClosed(error);
        this.error = error;
    }
    #setStatus(status, error) {
        this.status = status;
        this.error = error;
        this.statuses.tell(status, error);
    }
    #isOver() {
        return this.status === "refused" || this.status === "closed";
    }
    #check() {
        if (this.#isOver())
            throw this.error ?? new AgentError("closed", "the client was closed");
    }
}
function encode(value) {
    try {
        return JSON.stringify(value);
    }
    catch (cause) {
        throw new AgentError("invalid", "this value has no JSON form", { cause });
    }
}
/** Returns the JSON object of a text, or `undefined` if the text is not one. */
function parse(text) {
    if (!text.startsWith("{"))
        return undefined;
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
