// Built from `agents-core/typescript/src/runtime/state-cache.ts` by `npm run build`; `npm run check` compares the two.
// The local copy of an agent's state.
import { AgentError } from "./error.js";
import { Listeners } from "./listeners.js";
/** The local copy: the last state from the server, with the pushes since. */
export class StateCache {
    state;
    listeners = new Listeners();
    rejections = new Listeners();
    /** The last state that the server sent. */
    #server;
    #beforePush;
    /** No state has come since the connection opened. */
    #expectsInitial = false;
    /** A push has left before that state came. */
    #earlyPush = false;
    opened() {
        this.#expectsInitial = true;
        this.#earlyPush = false;
    }
    /** Changes the copy at once; the push leaves later. */
    push(state) {
        this.#beforePush = { state: this.state };
        this.#set(state);
    }
    pushed() {
        this.#earlyPush ||= this.#expectsInitial;
    }
    received(state) {
        const stale = this.#expectsInitial && this.#earlyPush;
        this.#expectsInitial = false;
        this.#server = state;
        if (stale) {
            // The server reads our push after it wrote this, and does not repeat it to us.
            this.#beforePush = { state };
            return;
        }
        this.#beforePush = undefined;
        this.#set(state);
    }
    /** No state comes with this greeting. */
    greeted() {
        this.#expectsInitial = false;
    }
    refused(text) {
        // A read-only connection changes nothing, so what the server sent last is true. Otherwise the frame does not say
        // which push it means; the last one is the best guess.
        const before = this.#beforePush;
        this.#beforePush = undefined;
        const readonly = text === "Connection is readonly";
        if (readonly)
            this.#set(this.#server);
        else if (before)
            this.#set(before.state);
        this.rejections.tell(new AgentError(readonly ? "readonly" : "rejected", text));
    }
    #set(state) {
        const previous = this.state;
        this.state = state;
        this.listeners.tell(state, previous);
    }
}
