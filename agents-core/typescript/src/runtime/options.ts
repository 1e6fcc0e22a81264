// The options of a client, and the address of an agent.

/** The parameters of the address. Values that are `null` or `undefined` are omitted. */
export type Query = Record<string, string | number | boolean | null | undefined>;

/** The options of `connect`. */
export interface ConnectOptions {
  /** The server, such as `example.org:8787`. The default is the server of the page. */
  host?: string | undefined;
  /**
   * `ws` or `wss`. The default is the scheme in `host`, if it has one. Otherwise it is `ws` in these cases, and `wss` in
   * all others:
   *
   * - the server is on this machine, and is not the server of an `https` page
   * - the page came over `http` from another machine
   * - the server is in a private network, and the page did not come over `https`
   */
  protocol?: "ws" | "wss" | undefined;
  /** A path that replaces `/agents/CLASS/NAME`. The server selects the agent of this path. */
  path?: string | undefined;
  /** The parameters of the address, or a function that returns them. It is called before each attempt to connect. */
  query?: Query | (() => Query | Promise<Query>) | undefined;
  /** The id of the connection, which stays the same over reconnects. The default is a random id. */
  connectionId?: string | undefined;
  /** The time limit of a call, in milliseconds. The default is 30,000; 0 means no limit. Streams have no limit. */
  callTimeout?: number | undefined;
  /** The number of characters and bytes that may wait to be sent. The default is 16 Mi. More fails with `overflow`. */
  sendBuffer?: number | undefined;
  /**
   * The number of pieces of a stream that may wait to be read. The default is 4,096. A stream whose reader is slower
   * fails with `overflow`.
   */
  streamBuffer?: number | undefined;
  /** The first delay before a reconnect, in milliseconds. The default is 500. Up to the same time is added at random. */
  minReconnectDelay?: number | undefined;
  /** The longest delay before a reconnect, in milliseconds. The default is 10,000. */
  maxReconnectDelay?: number | undefined;
  /** The time limit of one attempt to connect, in milliseconds. The default is 10,000. */
  connectTimeout?: number | undefined;
  /** The class of the sockets. The default is the global `WebSocket`. */
  WebSocket?: unknown;
}

/** The options of one call. */
export interface CallOptions {
  /** The time limit of the call, in milliseconds. The default is `callTimeout`. Streams have no limit. */
  timeout?: number | undefined;
  /** A signal that ends the call. A stream is stopped on the server; a call that was sent runs to its end. */
  signal?: AbortSignal | undefined;
}

/** Returns the address of an agent, without its query. Throws a `TypeError` if the address is invalid. */
export function address(route: string, name: string, options: ConnectOptions): string {
  const page = (globalThis as { location?: { host: string; protocol: string } }).location;
  const host = options.host ?? page?.host;
  if (!host) throw new TypeError("outside of a page the option `host` is needed");
  const bare = host.replace(/^(https?|wss?):\/\//, "").replace(/\/+$/, "");
  const path = options.path ?? `agents/${route}/${canonical(name)}`;
  const url = `${options.protocol ?? scheme(host, bare, page)}://${bare}/${path.replace(/^\/+/, "")}`;
  new URL(url); // throws, because an invalid address would be tried forever
  return url;
}

/** Returns the canonical form of a name, which stands in addresses and which the agent sees. */
export function canonical(name: string): string {
  let plain: string;
  try {
    // A percent sign without an escape stands for itself. An unpaired surrogate becomes U+FFFD, as in browsers.
    plain = name.replace(/\p{Surrogate}/gu, "\ufffd").replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    plain = ""; // the escapes are not UTF-8
  }
  // An address with a name of dots would lead to another path.
  if (plain === "" || plain === "." || plain === "..") throw new TypeError(`"${name}" is not the name of an agent`);
  return plain.replace(/[^!$&-.0-;=@-\[\]_a-z|~]+/g, encodeURIComponent);
}

function scheme(host: string, bare: string, page: { host: string; protocol: string } | undefined): string {
  const given = /^(http|https|ws|wss):\/\//.exec(host)?.[1];
  if (given) return given.endsWith("s") && given !== "ws" ? "wss" : "ws";
  if (page?.protocol === "https:") {
    // Browsers let a secure page connect without encryption only to this machine.
    return page.host !== bare && LOCAL.test(bare) ? "ws" : "wss";
  }
  if (page?.protocol === "http:" && (page.host === bare || !LOCAL.test(page.host))) return "ws";
  return LOCAL.test(bare) || PRIVATE.test(bare) ? "ws" : "wss";
}

/** The addresses of this machine, with or without a port. */
const LOCAL = /^(([^:/]+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;
/** The addresses of private networks, with or without a port. Few of them have a certificate. */
const PRIVATE =
  /^(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|169\.254\.\d+\.\d+|[^:/]+\.local|\[f([cd]|e[89ab])[\da-f:]*\])(:\d+)?(\/|$)/i;

/** Returns the query of an address, with the id of the connection. */
export function search(query: Query, connectionId: string): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) parameters.set(key, String(value));
  }
  parameters.set("_pk", connectionId);
  return parameters.toString();
}

/** Returns a random id for a connection. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
