// Answers that come in pieces.

import { AgentError } from "./error.js";

/**
 * The answer of a streaming method: iterate over it for the pieces, await it for the result.
 *
 * The call starts at once. A loop that is left early stops the method on the server, and there is no result then
 * (`aborted`). Awaiting without a loop skips the pieces. An error of the call comes out of both.
 */
export interface AgentStream<Item, Result> extends AsyncIterableIterator<Item, undefined>, PromiseLike<Result> {
  /** The next piece. */
  next(): Promise<IteratorResult<Item, undefined>>;
  /** Stops the method on the server; pieces that have come are dropped. */
  return(): Promise<IteratorResult<Item, undefined>>;
  [Symbol.asyncIterator](): AgentStream<Item, Result>;
}

/** The end of a stream that the client holds. */
export interface StreamSink {
  /** Takes a piece; `false` when the reader is too far behind. */
  item(item: unknown): boolean;
  end(result: unknown): void;
  fail(error: AgentError): void;
}

type Waiting = { resolve(result: IteratorResult<unknown, undefined>): void; reject(error: unknown): void };

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined };

/** Makes a stream and its other end. `stop` is called once if the reader goes before the end. */
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
  // Who only iterates meets the error there.
  result.catch(() => {});

  const finish = (end: { error?: AgentError }) => {
    over = end;
    for (const reader of readers.splice(0)) {
      if (end.error) {
        reader.reject(end.error);
        delete end.error; // told once
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
      // Nobody has begun to iterate: what comes needs no place.
      if (!iterating && !over) {
        skipping = true;
        items.length = 0;
      }
      return result.then(fulfilled, rejected);
    },
  };
  return { stream, sink };
}
