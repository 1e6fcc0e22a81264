// How to connect.

/** Parameters of the address; those that are `null` or `undefined` are left out. */
export type Query = Record<string, string | number | boolean | null | undefined>;

/** Options of `connect`. */
export interface ConnectOptions {
  /** The server, like `example.org:8787`; that of the page by default. */
  host?: string | undefined;
  /**
   * `ws` or `wss`. By default `ws` for this machine, on a page that came over `http` from elsewhere, and outside of pages
   * for an address of a private network; otherwise `wss`.
   */
  protocol?: "ws" | "wss" | undefined;
  /** Another path than `/agents/CLASS/NAME`, where the server finds the agent by itself. */
  path?: string | undefined;
  /** Parameters of the address, or a function that is asked for them before each attempt to connect. */
  query?: Query | (() => Query | Promise<Query>) | undefined;
  /** The id of the connection; random by default. It stays the same over reconnects. */
  connectionId?: string | undefined;
  /** How long a call waits for its answer, in milliseconds: 30,000 by default, 0 for ever. Streams have no limit. */
  callTimeout?: number | undefined;
  /** How many characters and bytes may wait to be sent: 16 Mi by default. What is over it fails with `overflow`. */
  sendBuffer?: number | undefined;
  /** How many pieces of a stream may wait to be read: 4,096 by default. A stream whose reader is slower fails with `overflow`. */
  streamBuffer?: number | undefined;
  /** The first delay before a reconnect, in milliseconds: 500 by default, up to twice as much at random. */
  minReconnectDelay?: number | undefined;
  /** The longest delay before a reconnect, in milliseconds: 10,000 by default. */
  maxReconnectDelay?: number | undefined;
  /** How long one attempt to connect may take, in milliseconds: 10,000 by default. */
  connectTimeout?: number | undefined;
  /** The class of the sockets, where there is no global `WebSocket`. */
  WebSocket?: unknown;
}

/** Options of one call. */
export interface CallOptions {
  /** How long to wait for the answer, in milliseconds, in place of `callTimeout`. Streams have no limit. */
  timeout?: number | undefined;
  /** Gives the call up. A stream is stopped on the server; a call that was sent runs to its end. */
  signal?: AbortSignal | undefined;
}

/** The address of an agent, but for its query. */
export function address(route: string, name: string, options: ConnectOptions): string {
  const page = (globalThis as { location?: { host: string; protocol: string } }).location;
  const host = options.host ?? page?.host;
  if (!host) throw new TypeError("outside of a page the option `host` is needed");
  const bare = host.replace(/^(https?|wss?):\/\//, "").replace(/\/+$/, "");
  const path = options.path ?? `agents/${route}/${canonical(name)}`;
  const url = `${options.protocol ?? scheme(host, bare, page)}://${bare}/${path.replace(/^\/+/, "")}`;
  new URL(url); // one that is none would be tried for ever
  return url;
}

/** The one form of all spellings of a name, which stands in addresses and which the agent sees. */
export function canonical(name: string): string {
  let plain: string;
  try {
    // A percent sign that begins no escape is one; half a character is sent as browsers send it.
    plain = name.replace(/\p{Surrogate}/gu, "\ufffd").replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    plain = ""; // the escapes are not UTF-8
  }
  // Those of dots would lead elsewhere.
  if (plain === "" || plain === "." || plain === "..") throw new TypeError(`"${name}" is not the name of an agent`);
  return plain.replace(/[^!$&-.0-;=@-\[\]_a-z|~]+/g, encodeURIComponent);
}

function scheme(host: string, bare: string, page: { host: string; protocol: string } | undefined): string {
  const given = /^(http|https|ws|wss):\/\//.exec(host)?.[1];
  if (given) return given.endsWith("s") && given !== "ws" ? "wss" : "ws";
  if (page?.protocol === "https:") {
    // Browsers let a secure page speak to this machine alone without encryption.
    return page.host !== bare && LOCAL.test(bare) ? "ws" : "wss";
  }
  if (page?.protocol === "http:" && (page.host === bare || !LOCAL.test(page.host))) return "ws";
  return LOCAL.test(bare) || PRIVATE.test(bare) ? "ws" : "wss";
}

/** This machine, with or without a port. */
const LOCAL = /^(([^:/]+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;
/** Addresses of private networks, for which there are hardly certificates, with or without a port. */
const PRIVATE =
  /^(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|169\.254\.\d+\.\d+|[^:/]+\.local|\[f([cd]|e[89ab])[\da-f:]*\])(:\d+)?(\/|$)/i;

/** The query of an address, with the id of the connection. */
export function search(query: Query, connectionId: string): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) parameters.set(key, String(value));
  }
  parameters.set("_pk", connectionId);
  return parameters.toString();
}

/** A random id for a connection. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
