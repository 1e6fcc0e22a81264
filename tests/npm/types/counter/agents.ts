// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

/**
 * The state that every client sees and may replace.
 */
export type Count = { count: number, lastBy?: string | null | undefined, };

/** A number that all its clients share. */
export interface Counter {
  /** The synchronised state. */
  readonly state: Count;

  /**
   * Counts down: each number is a chunk, and the last word is the result.
   *
   * Answers with a stream of `CounterStreams["countdown"]`. The client of the npm package takes `call("countdown", .., { stream: { onChunk } })`.
   */
  countdown(start: number): Promise<string>;

  /** Subtracts from the count; the default is 1. */
  decrement(by?: number | null): Promise<number>;

  /** Adds to the count; the default is 1. */
  increment(by?: number | null): Promise<number>;

  /** Sets the count to zero. */
  reset(): Promise<void>;
}

/** The methods of `Counter` that are refused for a read-only connection before they run. */
export type CounterWrites = never;

/** What the streams of `Counter` are made of, by method. */
export interface CounterStreams {
  countdown: number;
}

/** The agents by class: their state and methods, and what their streams are made of. */
export interface Agents {
  Counter: { agent: Counter; streams: CounterStreams };
}

/**
 * The agents by class: the name in addresses, and for each method its arguments, how many of them are
 * required, and its options.
 */
export const agents = {
  Counter: {
    name: "counter",
    methods: {
      countdown: { arguments: ["start"], required: 1, streaming: true, write: false, require: null, deprecated: false },
      decrement: { arguments: ["by"], required: 0, streaming: false, write: false, require: null, deprecated: false },
      increment: { arguments: ["by"], required: 0, streaming: false, write: false, require: null, deprecated: false },
      reset: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
} as const;

/** Changes when anything above does, except comments. */
export const schemaHash = "8a46dc56bc7e2b5b";
