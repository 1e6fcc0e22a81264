// A connection with the methods of its agent.

import { Connection, type Identity, type Message, type Status } from "./connection.js";
import type { AgentError } from "./error.js";
import type { Listeners } from "./listeners.js";
import type { CallOptions, ConnectOptions } from "./options.js";
import type { Data } from "./outbox.js";
import type { StateListener } from "./state-cache.js";
import type { AgentStream } from "./stream.js";

/** The types of a class of agents, as `agents.ts` declares them. */
export interface Class {
  /** The state and the methods. */
  agent: { readonly state: unknown };
  /** The types of the pieces of the streaming methods. */
  streams: object;
}

/** The names of the methods of a class. */
export type MethodName<C extends Class> = Exclude<keyof C["agent"], "state"> & string;

/** The arguments of a method. */
export type Arguments<C extends Class, M extends MethodName<C>> = C["agent"][M] extends (...args: infer A) => unknown
  ? A
  : never;

/** The return type of a method: a promise, or a stream. */
export type Answer<C extends Class, M extends MethodName<C>> = C["agent"][M] extends (...args: never) => Promise<infer R>
  ? M extends keyof C["streams"]
    ? AgentStream<C["streams"][M], R>
    : Promise<R>
  : never;

/** The methods of a class. */
export type Methods<C extends Class> = {
  [M in keyof C["agent"] as M extends "state" ? never : M]: M extends MethodName<C>
    ? M extends keyof C["streams"]
      ? (...args: Arguments<C, M>) => Answer<C, M>
      : C["agent"][M]
    : never;
};

/** The members that every client has. Use `call` for a method of the agent that has one of these names. */
export interface ClientMembers<C extends Class> {
  /** The local copy of the state; `undefined` until the agent has sent the state. */
  readonly state: C["agent"]["state"] | undefined;
  /** The status of the connection. */
  readonly status: Status;
  /** The reason why there is no connection; `undefined` while it is open, and until an attempt has failed. */
  readonly error: AgentError | undefined;
  /** The identity that the agent has sent; `undefined` while there is no connection. */
  readonly identity: Identity | undefined;
  /** The id of the connection, which stays the same over reconnects. */
  readonly connectionId: string;
  /**
   * Settles when the agent has accepted this client and sent its state, or when the client has ended. If the agent does
   * not send its identity, the result is the class and the name that the client has asked for. If the agent does not send
   * a greeting, its first message counts as acceptance.
   */
  readonly ready: Promise<Identity>;
  /** Resolves with the reason when the client has ended and does not connect again. */
  readonly closed: Promise<AgentError>;

  /** Calls a method by its name. Use it for options, and for a method with the name of a member. */
  call<M extends MethodName<C>>(method: M, args: Arguments<C, M>, options?: CallOptions): Answer<C, M>;
  /** Replaces the state. The local copy changes immediately, and changes back if the agent refuses the state. */
  setState(state: C["agent"]["state"]): void;
  /** Adds a listener for changes of the state. The returned function removes it, here and below. */
  subscribe(listener: StateListener<C["agent"]["state"]>): () => void;
  /** Adds a listener for states that the agent has refused. */
  onStateRejected(listener: (error: AgentError) => void): () => void;
  /** Adds a listener for changes of the status. The error is the reason of a loss. */
  onStatus(listener: (status: Status, error: AgentError | undefined) => void): () => void;
  /** Adds a listener for messages beside the protocol: text as it was sent, or bytes. */
  onMessage(listener: (message: Message) => void): () => void;
  /** Sends text or bytes to the agent's message hook. */
  send(data: Data): void;
  /**
   * Closes the connection; the client does not connect again. The code is 1000, the default, or from 3000 to 4999, and the
   * reason has at most 123 bytes. Throws a `RangeError` for other values.
   */
  close(code?: number, reason?: string): void;
}

/** A client of an agent: its methods, its state, its connection. */
export type Client<C extends Class> = ClientMembers<C> & Omit<Methods<C>, keyof ClientMembers<C>>;

/** The description of a class that `agents.ts` contains as a value. */
export type Metadata = {
  name: string;
  methods: Record<string, { streaming: boolean; arguments: readonly string[] }>;
};

/** Connects to an agent. */
export function open<C extends Class>(metadata: Metadata, name: string, options?: ConnectOptions): Client<C> {
  const { client, start } = prepare<C>(metadata, name, options);
  start();
  return client;
}

/** A client, and the function that starts its connection. */
export type Prepared<C extends Class> = { client: Client<C>; start(): void };

/** Makes a client that does not connect yet. */
export function prepare<C extends Class>(
  metadata: Metadata,
  name: string,
  options: ConnectOptions = {},
): Prepared<C> {
  const connection = new Connection(metadata.name, name, options);
  const invoke = (method: string, given: readonly unknown[], options?: CallOptions) => {
    const known = metadata.methods[method];
    // `items.map(agent.add)` also passes an index and the whole array, which are not arguments of the method.
    const args = known ? given.slice(0, known.arguments.length) : given;
    return known?.streaming ? connection.stream(method, args, options) : connection.call(method, args, options);
  };
  const hear =
    <News extends unknown[]>(listeners: Listeners<News>) =>
    (listener: (...news: News) => void) =>
      listeners.add(listener);

  const methods = Object.keys(metadata.methods).map((method) => [
    method,
    (...args: unknown[]) => invoke(method, args),
  ]);
  const members = {
    get state() {
      return connection.stateCache.state;
    },
    get status() {
      return connection.status;
    },
    get error() {
      return connection.error;
    },
    get identity() {
      return connection.identity;
    },
    connectionId: connection.connectionId,
    ready: connection.ready,
    closed: connection.closed,
    call: invoke,
    setState: (state: unknown) => connection.setState(state),
    subscribe: hear(connection.stateCache.listeners),
    onStateRejected: hear(connection.stateCache.rejections),
    onStatus: hear(connection.statuses),
    onMessage: hear(connection.messages),
    send: (data: Data) => connection.send(data),
    close: (code?: number, reason?: string) => connection.close(code, reason),
  };
  const client = Object.fromEntries(methods) as object;
  Object.defineProperties(client, Object.getOwnPropertyDescriptors(members));
  return { client: client as Client<C>, start: () => connection.start() };
}
