// Built from `agents-core/typescript/src/runtime/state-cache.ts` by `npm run build`; `npm run check` compares the two.
// The local copy of an agent's state.
import { AgentError } from "./error.js";
import { Listeners } from "./listeners.js";
/** The local copy of the state: the last state from the server, and the pushes after it. */
export class StateCache {
    state;
    listeners = new Listeners();
    rejections = new Listeners();
    /** The last state that the server sent. */
    #server;
    #beforePush;
    /** Set while no state has arrived since the connection opened. */
    #expectsInitial = false;
    /** Set if a push was sent before that state arrived. */
    #earlyPush = false;
    opened() {
        this.#expectsInitial = true;
        this.#earlyPush = false;
    }
    /** Changes the copy immediately. The push is sent later. */
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
            // The server sent this state before it read our push, and it does not send our push back to us.
            this.#beforePush = { state };
            return;
        }
        this.#beforePush = undefined;
        this.#set(state);
    }
    /** Called at the end of the greeting. A state that arrives later is not the initial one. */
    greeted() {
        this.#expectsInitial = false;
    }
    refused(text) {
        // A read-only connection changes nothing, so the last state from the server is right. In other cases the frame does
        // not name the push that was refused; the last push is the best guess.
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
