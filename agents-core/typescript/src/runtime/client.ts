// A connection with the methods of its agent.

import { Connection, type Identity, type Message, type Status } from "./connection.js";
import type { AgentError } from "./error.js";
import type { Listeners } from "./listeners.js";
import type { CallOptions, ConnectOptions } from "./options.js";
import type { Data } from "./outbox.js";
import type { StateListener } from "./state-cache.js";
import type { AgentStream } from "./stream.js";

/** What a class of agents is made of, as `agents.ts` tells it. */
export interface Class {
  /** The state and the methods. */
  agent: { readonly state: unknown };
  /** The pieces of the streaming methods. */
  streams: object;
}

/** The names of the methods of a class. */
export type MethodName<C extends Class> = Exclude<keyof C["agent"], "state"> & string;

/** The arguments of a method. */
export type Arguments<C extends Class, M extends MethodName<C>> = C["agent"][M] extends (...args: infer A) => unknown
  ? A
  : never;

/** What a method answers with: a promise, or a stream. */
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

/** What every client has. A method of the agent with one of these names is reached by `call`. */
export interface ClientMembers<C extends Class> {
  /** The state as far as this client knows it; `undefined` until the agent has sent it. */
  readonly state: C["agent"]["state"] | undefined;
  /** What the client does about its connection. */
  readonly status: Status;
  /** Why there is no connection, if there was one or it was refused. */
  readonly error: AgentError | undefined;
  /** Who the agent is, while it has let this client in. */
  readonly identity: Identity | undefined;
  /** The id of the connection, the same over reconnects. */
  readonly connectionId: string;
  /**
   * Settles when the agent has let this client in and sent its state, or has refused it. An agent that does not say who
   * it is, is the one that was asked for; one that greets nobody has let in whom it sends anything.
   */
  readonly ready: Promise<Identity>;
  /** Settles when the client has ended for good, with the reason. */
  readonly closed: Promise<AgentError>;

  /** Calls a method by its name: for options, and for names that the client has itself. */
  call<M extends MethodName<C>>(method: M, args: Arguments<C, M>, options?: CallOptions): Answer<C, M>;
  /** Replaces the state. The local copy changes at once, and goes back if the agent refuses. */
  setState(state: C["agent"]["state"]): void;
  /** Hears of changes of the state; the returned function ends that. */
  subscribe(listener: StateListener<C["agent"]["state"]>): () => void;
  /** Hears of states that the agent has refused. */
  onStateRejected(listener: (error: AgentError) => void): () => void;
  /** Hears of changes of the status, with the reason of a loss. */
  onStatus(listener: (status: Status, error: AgentError | undefined) => void): () => void;
  /** Hears of what the agent sends beside the protocol: text as it was sent, or bytes. */
  onMessage(listener: (message: Message) => void): () => void;
  /** Sends text or bytes to the agent's message hook. */
  send(data: Data): void;
  /** Closes the connection, for good, with 1000 or a code from 3000 to 4999, and a reason of at most 123 bytes. */
  close(code?: number, reason?: string): void;
}

/** A client of an agent: its methods, its state, its connection. */
export type Client<C extends Class> = ClientMembers<C> & Omit<Methods<C>, keyof ClientMembers<C>>;

/** What `agents.ts` says of a class while the program runs. */
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

/** A client, and the function that makes it connect. */
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
    // `items.map(agent.add)` gives an index and all items, too, which the agent would not look at.
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
