// Built from `agents-core/typescript/src/runtime/stream.ts` by `npm run build`; `npm run check` compares the two.
// Streamed answers.
import { AgentError } from "./error.js";
const DONE = { done: true, value: undefined };
/** Makes a stream and its writing end. `stop` is called once if the reader leaves the stream before its end. */
export function makeStream(limit, stop) {
    const items = [];
    const readers = [];
    let iterating = false;
    let skipping = false;
    let over;
    let settle;
    const result = new Promise((resolve, reject) => {
        settle = { resolve, reject };
    });
    // A reader that only iterates gets the error from the iteration.
    result.catch(() => { });
    const finish = (end) => {
        over = end;
        for (const reader of readers.splice(0)) {
            if (end.error) {
                reader.reject(end.error);
                delete end.error; // only one reader gets the error
            }
            else {
                reader.resolve(DONE);
            }
        }
    };
    const sink = {
        item(item) {
            if (over || skipping)
                return true;
            const reader = readers.shift();
            if (reader)
                reader.resolve({ done: false, value: item });
            else if (items.length >= limit)
                return false;
            else
                items.push(item);
            return true;
        },
        end(value) {
            settle.resolve(value);
            finish({});
        },
        fail(error) {
            settle.reject(error);
            finish({ error });
        },
    };
    const stream = {
        [Symbol.asyncIterator]: () => stream,
        next() {
            iterating = true;
            skipping = false;
            if (items.length)
                return Promise.resolve({ done: false, value: items.shift() });
            if (!over)
                return new Promise((resolve, reject) => readers.push({ resolve, reject }));
            const { error } = over;
            if (!error)
                return Promise.resolve(DONE);
            over = {};
            return Promise.reject(error);
        },
        return() {
            items.length = 0;
            if (!over) {
                settle.reject(new AgentError("aborted", "the stream was left"));
                finish({});
                stop();
            }
            over = {};
            return Promise.resolve(DONE);
        },
        then(fulfilled, rejected) {
            // No iteration has begun, so the pieces are dropped.
            if (!iterating && !over) {
                skipping = true;
                items.length = 0;
            }
            return result.then(fulfilled, rejected);
        },
    };
    return { stream, sink };
}
