// Streamed answers.

import { AgentError } from "./error.js";

/**
 * The answer of a streaming method: iterate over it for the pieces, await it for the result.
 *
 * The call starts immediately. A loop that is left early stops the method on the server; awaiting the stream then fails
 * with `aborted`. Awaiting without a loop skips the pieces. An error of the call is thrown by the loop and by `await`.
 */
export interface AgentStream<Item, Result> extends AsyncIterableIterator<Item, undefined>, PromiseLike<Result> {
  /** Returns the next piece. */
  next(): Promise<IteratorResult<Item, undefined>>;
  /** Stops the method on the server. Pieces that were not read are dropped. */
  return(): Promise<IteratorResult<Item, undefined>>;
  [Symbol.asyncIterator](): AgentStream<Item, Result>;
}

/** The writing end of a stream, which the client holds. */
export interface StreamSink {
  /** Adds a piece. Returns `false` if the reader is too far behind. */
  item(item: unknown): boolean;
  end(result: unknown): void;
  fail(error: AgentError): void;
}

type Waiting = { resolve(result: IteratorResult<unknown, undefined>): void; reject(error: unknown): void };

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined };

/** Makes a stream and its writing end. `stop` is called once if the reader leaves the stream before its end. */
export function makeStream(limit: number, stop: () => void): { stream: AgentStream<unknown, unknown>; sink: StreamSink } {
  const items: unknown[] = [];
  const readers: Waiting[] = [];
  let iterating = false;
  let skipping = false;
  let over: { error?: AgentError } | undefined;
  let settle!: { resolve(value: unknown): void; reject(error: unknown): void };
  const result = new Promise<unknown>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // A reader that only iterates gets the error from the iteration.
  result.catch(() => {});

  const finish = (end: { error?: AgentError }) => {
    over = end;
    for (const reader of readers.splice(0)) {
      if (end.error) {
        reader.reject(end.error);
        delete end.error; // only one reader gets the error
      } else {
        reader.resolve(DONE);
      }
    }
  };

  const sink: StreamSink = {
    item(item) {
      if (over || skipping) return true;
      const reader = readers.shift();
      if (reader) reader.resolve({ done: false, value: item });
      else if (items.length >= limit) return false;
      else items.push(item);
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

  const stream: AgentStream<unknown, unknown> = {
    [Symbol.asyncIterator]: () => stream,
    next() {
      iterating = true;
      skipping = false;
      if (items.length) return Promise.resolve({ done: false, value: items.shift() });
      if (!over) return new Promise((resolve, reject) => readers.push({ resolve, reject }));
      const { error } = over;
      if (!error) return Promise.resolve(DONE);
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
