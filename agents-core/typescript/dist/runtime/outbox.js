// Built from `agents-core/typescript/src/runtime/outbox.ts` by `npm run build`; `npm run check` compares the two.
// What waits to be sent.
import { AgentError } from "./error.js";
/** Frames in their order, until there is a connection; bounded. */
export class Outbox {
    #limit;
    #entries = [];
    #size = 0;
    constructor(limit) {
        this.#limit = limit;
    }
    /** Adds a frame. `left` is told when it leaves. */
    push(data, call, left) {
        const size = sizeOf(data);
        if (this.#size + size > this.#limit) {
            throw new AgentError("overflow", `more than ${this.#limit} characters and bytes wait to be sent`);
        }
        this.#size += size;
        this.#entries.push({ data, size, call, left });
    }
    /** Takes the next frame. */
    shift() {
        const entry = this.#entries.shift();
        if (entry)
            this.#size -= entry.size;
        return entry;
    }
    /** Takes a call back that has not left. */
    drop(call) {
        this.#keep((entry) => entry.call !== call);
    }
    /** Takes all calls back. */
    dropCalls() {
        this.#keep((entry) => entry.call === undefined);
    }
    clear() {
        this.#keep(() => false);
    }
    #keep(wanted) {
        this.#entries = this.#entries.filter(wanted);
        this.#size = this.#entries.reduce((sum, { size }) => sum + size, 0);
    }
}
function sizeOf(data) {
    if (typeof data === "string")
        return data.length;
    return data instanceof Blob ? data.size : data.byteLength;
}
