// Clients that the components of a page share.

import type { Class, Client, Prepared } from "./client.js";
import type { ConnectOptions, Query } from "./options.js";

/** The time that an unused client stays open, in milliseconds. A component that mounts again in time keeps its socket. */
const LINGER = 50;
/** The time that a new client waits for its component, in milliseconds: React may discard a rendering. */
const UNUSED = 10_000;

/** A function that makes a client. The client calls `query` before each attempt to connect. */
type Make<C extends Class> = (query: () => Query | Promise<Query>) => Prepared<C>;

/** A client that several components may use. */
export class Shared<C extends Class> {
  readonly client: Client<C>;
  /** A number that grows with each change of the state or the status. */
  version = 0;
  /** The query of the last rendering, or its function that returns the query. */
  query: ConnectOptions["query"];
  readonly #prepared: Prepared<C>;
  readonly #forget: () => void;
  readonly #listeners = new Set<() => void>();
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(query: ConnectOptions["query"], make: Make<C>, forget: () => void) {
    this.query = query;
    const prepared = make(() => (typeof this.query === "function" ? this.query() : (this.query ?? {})));
    this.#prepared = prepared;
    this.#forget = forget;
    this.client = prepared.client;
    const changed = () => {
      this.version += 1;
      for (const listener of [...this.#listeners]) listener();
    };
    this.client.subscribe(changed);
    this.client.onStatus(changed);
    this.client.ready.then(changed, () => {});
  }

  start(): void {
    this.#prepared.start();
  }

  /** Ends the client if no component uses it within `UNUSED`. */
  expire(): void {
    this.#timer = setTimeout(() => this.#end(), UNUSED);
  }

  /** Registers a component that uses the client, until the returned function is called. */
  use(): () => void {
    this.start();
    clearTimeout(this.#timer);
    this.#users += 1;
    return () => {
      this.#users -= 1;
      if (this.#users === 0) this.#timer = setTimeout(() => this.#end(), LINGER);
    };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #end(): void {
    this.#forget();
    this.client.close();
  }
}

const all = new Map<string, unknown>();

/** `true` where pages are rendered for other machines. No client connects there, and requests share no clients. */
export const isServer = typeof window === "undefined";

/** Returns the client of this key, and makes it if there is none. */
export function shared<C extends Class>(key: string, query: ConnectOptions["query"], make: Make<C>): Shared<C> {
  if (isServer) return new Shared(query, make, () => {});
  const found = all.get(key) as Shared<C> | undefined;
  if (found) return found;
  const made: Shared<C> = new Shared(query, make, () => {
    if (all.get(key) === made) all.delete(key);
  });
  all.set(key, made);
  made.expire();
  return made;
}
