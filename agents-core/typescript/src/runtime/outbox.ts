// What waits to be sent.

import { AgentError } from "./error.js";

/** Text, or bytes. */
export type Data = string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Blob;

type Entry = { data: Data; size: number; call: string | undefined; left: (() => void) | undefined };

/** Frames in their order, until there is a connection; bounded. */
export class Outbox {
  readonly #limit: number;
  #entries: Entry[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a frame. `left` is told when it leaves. */
  push(data: Data, call?: string, left?: () => void): void {
    const size = sizeOf(data);
    if (this.#size + size > this.#limit) {
      throw new AgentError("overflow", `more than ${this.#limit} characters and bytes wait to be sent`);
    }
    this.#size += size;
    this.#entries.push({ data, size, call, left });
  }

  /** Takes the next frame. */
  shift(): Entry | undefined {
    const entry = this.#entries.shift();
    if (entry) this.#size -= entry.size;
    return entry;
  }

  /** Takes a call back that has not left. */
  drop(call: string): void {
    this.#keep((entry) => entry.call !== call);
  }

  /** Takes all calls back. */
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
