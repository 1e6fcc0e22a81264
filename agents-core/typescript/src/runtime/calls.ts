// Calls that wait for their answers.

import { AgentError } from "./error.js";
import type { StreamSink } from "./stream.js";

type Sink =
  | { resolve(result: unknown): void; reject(error: AgentError): void }
  | StreamSink;

type Call = { sink: Sink; sent: boolean; done(): void };

/** The calls that have no answer yet, by id. */
export class Calls {
  readonly #calls = new Map<string, Call>();
  #last = 0;

  /** Adds a call and returns its id. `done` runs once, when the call is settled in any way. */
  add(sink: Sink, done: () => void): string {
    const id = String(++this.#last);
    this.#calls.set(id, { sink, sent: false, done });
    return id;
  }

  has(id: string): boolean {
    return this.#calls.has(id);
  }

  wasSent(id: string): boolean {
    return this.#calls.get(id)?.sent ?? false;
  }

  sent(id: string): void {
    const call = this.#calls.get(id);
    if (call) call.sent = true;
  }

  result(id: string, value: unknown): void {
    const sink = this.#take(id);
    if (!sink) return;
    if ("resolve" in sink) sink.resolve(value);
    else sink.end(value);
  }

  /** Passes a piece of a streamed answer on. Returns `false` if the reader is too far behind. */
  item(id: string, value: unknown): boolean {
    const call = this.#calls.get(id);
    if (!call || "resolve" in call.sink) return true;
    return call.sink.item(value);
  }

  fail(id: string, error: AgentError): void {
    const sink = this.#take(id);
    if (!sink) return;
    if ("reject" in sink) sink.reject(error);
    else sink.fail(error);
  }

  /** Fails the calls that were sent, or all calls. */
  failAll(error: AgentError, which: "sent" | "all"): void {
    for (const [id, { sent }] of [...this.#calls]) if (sent || which === "all") this.fail(id, error);
  }

  /** Removes a call whose caller does not wait any more. */
  forget(id: string): void {
    const sink = this.#take(id);
    if (sink && "end" in sink) sink.end(undefined);
  }

  #take(id: string): Sink | undefined {
    const call = this.#calls.get(id);
    if (!call) return undefined;
    this.#calls.delete(id);
    call.done();
    return call.sink;
  }
}
