// Built from `agents-core/typescript/src/runtime/outbox.ts` by `npm run build`; `npm run check` compares the two.
// The frames that wait to be sent.
import { AgentError } from "./error.js";
/** A bounded queue of frames that wait for a connection. The frames keep their order. */
export class Outbox {
    #limit;
    #entries = [];
    #size = 0;
    constructor(limit) {
        this.#limit = limit;
    }
    /** Adds a frame. `left` is called when the frame has been sent. Throws `overflow` if the queue is full. */
    push(data, call, left) {
        const size = sizeOf(data);
        if (this.#size + size > this.#limit) {
            throw new AgentError("overflow", `more than ${this.#limit} characters and bytes wait to be sent`);
        }
        this.#size += size;
        this.#entries.push({ data, size, call, left });
    }
    /** Removes the next frame and returns it. */
    shift() {
        const entry = this.#entries.shift();
        if (entry)
            this.#size -= entry.size;
        return entry;
    }
    /** Removes a call that has not been sent. */
    drop(call) {
        this.#keep((entry) => entry.call !== call);
    }
    /** Removes all calls that have not been sent. */
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
