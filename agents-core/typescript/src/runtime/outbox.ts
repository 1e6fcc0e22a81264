// The frames that wait to be sent.

import { AgentError } from "./error.js";

/** Text, or bytes. */
export type Data = string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Blob;

type Entry = { data: Data; size: number; call: string | undefined; left: (() => void) | undefined };

/** A bounded queue of frames that wait for a connection. The frames keep their order. */
export class Outbox {
  readonly #limit: number;
  #entries: Entry[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a frame. `left` is called when the frame has been sent. Throws `overflow` if the queue is full. */
  push(data: Data, call?: string, left?: () => void): void {
    const size = sizeOf(data);
    if (this.#size + size > this.#limit) {
      throw new AgentError("overflow", `more than ${this.#limit} characters and bytes wait to be sent`);
    }
    this.#size += size;
    this.#entries.push({ data, size, call, left });
  }

  /** Removes the next frame and returns it. */
  shift(): Entry | undefined {
    const entry = this.#entries.shift();
    if (entry) this.#size -= entry.size;
    return entry;
  }

  /** Removes a call that has not been sent. */
  drop(call: string): void {
    this.#keep((entry) => entry.call !== call);
  }

  /** Removes all calls that have not been sent. */
  dropCalls(): void {
    this.#keep((entry) => entry.call === undefined);
  }

  clear(): void {
    this.#keep(() => false);
  }

  #keep(wanted: (entry: Entry) => boolean): void {
    this.#entries = this.#entries.filter(wanted);
    this.#size = this.#entries.reduce((sum, { size }) => sum + size, 0);
  }
}

function sizeOf(data: Data): number {
  if (typeof data === "string") return data.length;
  return data instanceof Blob ? data.size : data.byteLength;
}
