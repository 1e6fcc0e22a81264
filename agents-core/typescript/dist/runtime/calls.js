// Built from `agents-core/typescript/src/runtime/calls.ts` by `npm run build`; `npm run check` compares the two.
// Calls that wait for their answers.
/** The calls that have no answer yet, by id. */
export class Calls {
    #calls = new Map();
    #last = 0;
    /** Adds a call and returns its id. `done` runs once, when the call is settled in any way. */
    add(sink, done) {
        const id = String(++this.#last);
        this.#calls.set(id, { sink, sent: false, done });
        return id;
    }
    has(id) {
        return this.#calls.has(id);
    }
    wasSent(id) {
        return this.#calls.get(id)?.sent ?? false;
    }
    sent(id) {
        const call = this.#calls.get(id);
        if (call)
            call.sent = true;
    }
    result(id, value) {
        const sink = this.#take(id);
        if (!sink)
            return;
        if ("resolve" in sink)
            sink.resolve(value);
        else
            sink.end(value);
    }
    /** Passes a piece of a streamed answer on. Returns `false` if the reader is too far behind. */
    item(id, value) {
        const call = this.#calls.get(id);
        if (!call || "resolve" in call.sink)
            return true;
        return call.sink.item(value);
    }
    fail(id, error) {
        const sink = this.#take(id);
        if (!sink)
            return;
        if ("reject" in sink)
            sink.reject(error);
        else
            sink.fail(error);
    }
    /** Fails the calls that were sent, or all calls. */
    failAll(error, which) {
        for (const [id, { sent }] of [...this.#calls])
            if (sent || which === "all")
                this.fail(id, error);
    }
    /** Removes a call whose caller does not wait any more. */
    forget(id) {
        const sink = this.#take(id);
        if (sink && "end" in sink)
            sink.end(undefined);
    }
    #take(id) {
        const call = this.#calls.get(id);
        if (!call)
            return undefined;
        this.#calls.delete(id);
        call.done();
        return call.sink;
    }
}
