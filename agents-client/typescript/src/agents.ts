// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

export type Change = { source: string, count: number, };

export type Closed = { id: string, name?: string | null | undefined, code: number, reason: string, clean: boolean, };

export type Counter = { count: number, };

export type Game = { players: Array<string>, };

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

export type Mode = { mode: string, };

export type MyPermissions = { canEdit: boolean, connectionId: string, };

export type Permissions = { canEdit: boolean, };

export type Upgrade = { success: boolean, };

export type Who = { id: string, server: string, agent: string, tags: Array<string>, readonly: boolean, protocol: boolean, name?: string | null | undefined, uri?: string | null | undefined, };

/** Its address is in lower case with a dash: `loud-case`. */
export interface LOUD_CASE {
  /** The synchronised state. */
  readonly state: any;

  who(): Promise<string>;
}

/** The methods of `LOUD_CASE` that are refused for a read-only connection before they run. */
export type LOUD_CASEWrites = never;

/** An agent that is woken. */
export interface TestAlarm {
  /** The synchronised state. */
  readonly state: any;

  asked(): Promise<number>;

  /** Rings after so many milliseconds. */
  remind(ms: number): Promise<void>;
}

/** The methods of `TestAlarm` that are refused for a read-only connection before they run. */
export type TestAlarmWrites = never;

/** Counts, and does everything else that a test needs to see. */
export interface TestCounter {
  /** The synchronised state. */
  readonly state: Counter;

  big(bytes: number): Promise<string>;

  broadcast(text: string): Promise<void>;

  broadcastOthers(text: string): Promise<void>;

  burst(n: number): Promise<number>;

  changes(): Promise<Array<Change>>;

  closeAfter(code: number, reason: string): Promise<string>;

  closeMe(code: number, reason: string): Promise<void>;

  closes(): Promise<Array<Closed>>;

  connectionIds(tag?: string | null): Promise<Array<string>>;

  decrement(): Promise<number>;

  deferredWrite(ms: number): Promise<number>;

  echo(value?: JsonValue): Promise<JsonValue>;

  effects(): Promise<number>;

  fail(text: string): Promise<void>;

  getCount(): Promise<number>;

  /** Refused for a read-only connection. */
  guardedEffect(): Promise<number>;

  increment(by?: number | null): Promise<number>;

  nothing(): Promise<void>;

  /** How many of those run, in all agents. */
  openStreams(): Promise<number>;

  panics(): Promise<void>;

  returnNull(): Promise<number | null>;

  sendSlice(): Promise<void>;

  sendTagged(tag: string, text: string): Promise<void>;

  setCount(n: number): Promise<void>;

  setName(name: string): Promise<void>;

  setReadonly(flag: boolean): Promise<void>;

  setReadonlyOf(id: string, flag: boolean): Promise<boolean>;

  sideEffect(): Promise<number>;

  slow(ms: number): Promise<number>;

  starts(): Promise<number>;

  /** Answers with a stream of `TestCounterStreams["streamEnded"]`. The client of the npm package takes `call("streamEnded", .., { stream: { onChunk } })`. */
  streamEnded(): Promise<unknown>;

  /**
   * Numbers until nobody wants them any more.
   *
   * Answers with a stream of `TestCounterStreams["streamEndless"]`. The client of the npm package takes `call("streamEndless", .., { stream: { onChunk } })`.
   */
  streamEndless(): Promise<void>;

  /** Answers with a stream of `TestCounterStreams["streamFails"]`. The client of the npm package takes `call("streamFails", .., { stream: { onChunk } })`. */
  streamFails(n: number): Promise<unknown>;

  /** Answers with a stream of `TestCounterStreams["streamNumbers"]`. The client of the npm package takes `call("streamNumbers", .., { stream: { onChunk } })`. */
  streamNumbers(n: number): Promise<number>;

  /** Answers with a stream of `TestCounterStreams["streamReturned"]`. The client of the npm package takes `call("streamReturned", .., { stream: { onChunk } })`. */
  streamReturned(n: number): Promise<void>;

  sum(a: number, b: number): Promise<number>;

  whoami(): Promise<Who>;
}

/** The methods of `TestCounter` that are refused for a read-only connection before they run. */
export type TestCounterWrites = "guardedEffect";

/** What the streams of `TestCounter` are made of, by method. */
export interface TestCounterStreams {
  streamEnded: number;
  streamEndless: number;
  streamFails: number;
  streamNumbers: number;
  streamReturned: number;
}

/** A game with four seats and any number of spectators. */
export interface TestGame {
  /** The synchronised state. */
  readonly state: Game;

  getMyPermissions(): Promise<MyPermissions | null>;

  getPermissions(): Promise<Permissions>;

  joinAsPlayer(): Promise<Mode>;

  setPlayers(players: Array<string>): Promise<void>;

  startSpectating(): Promise<Mode>;

  upgradeToEditor(secret: string): Promise<Upgrade>;
}

/** The methods of `TestGame` that are refused for a read-only connection before they run. */
export type TestGameWrites = never;

/** An agent that does not say who it is. */
export interface TestNoIdentity {
  /** The synchronised state. */
  readonly state: Counter;

  increment(): Promise<number>;
}

/** The methods of `TestNoIdentity` that are refused for a read-only connection before they run. */
export type TestNoIdentityWrites = never;

/** An agent that names no state: any JSON, none at first. */
export interface TestNoState {
  /** The synchronised state. */
  readonly state: any;

  getState(): Promise<JsonValue | null>;

  ping(): Promise<string>;

  setStateTo(value?: JsonValue): Promise<void>;
}

/** The methods of `TestNoState` that are refused for a read-only connection before they run. */
export type TestNoStateWrites = never;

/** Its address has a dash before every capital: `test-o-auth-agent`. */
export interface TestOAuthAgent {
  /** The synchronised state. */
  readonly state: Counter;

  who(): Promise<string>;
}

/** The methods of `TestOAuthAgent` that are refused for a read-only connection before they run. */
export type TestOAuthAgentWrites = never;

/** The agents by class: their state and methods, and what their streams are made of. */
export interface Agents {
  LOUD_CASE: { agent: LOUD_CASE; streams: {} };
  TestAlarm: { agent: TestAlarm; streams: {} };
  TestCounter: { agent: TestCounter; streams: TestCounterStreams };
  TestGame: { agent: TestGame; streams: {} };
  TestNoIdentity: { agent: TestNoIdentity; streams: {} };
  TestNoState: { agent: TestNoState; streams: {} };
  TestOAuthAgent: { agent: TestOAuthAgent; streams: {} };
}

/**
 * The agents by class: the name in addresses, and for each method its arguments, how many of them are
 * required, and its options.
 */
export const agents = {
  LOUD_CASE: {
    name: "loud-case",
    methods: {
      who: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
  TestAlarm: {
    name: "test-alarm",
    methods: {
      asked: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      remind: { arguments: ["ms"], required: 1, streaming: false, write: false, require: null, deprecated: false },
    },
  },
  TestCounter: {
    name: "test-counter",
    methods: {
      big: { arguments: ["bytes"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      broadcast: { arguments: ["text"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      broadcastOthers: { arguments: ["text"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      burst: { arguments: ["n"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      changes: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      closeAfter: { arguments: ["code", "reason"], required: 2, streaming: false, write: false, require: null, deprecated: false },
      closeMe: { arguments: ["code", "reason"], required: 2, streaming: false, write: false, require: null, deprecated: false },
      closes: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      connectionIds: { arguments: ["tag"], required: 0, streaming: false, write: false, require: null, deprecated: false },
      decrement: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      deferredWrite: { arguments: ["ms"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      echo: { arguments: ["value"], required: 0, streaming: false, write: false, require: null, deprecated: false },
      effects: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      fail: { arguments: ["text"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      getCount: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      guardedEffect: { arguments: [], required: 0, streaming: false, write: true, require: null, deprecated: false },
      increment: { arguments: ["by"], required: 0, streaming: false, write: false, require: null, deprecated: false },
      nothing: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      openStreams: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      panics: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      returnNull: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      sendSlice: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      sendTagged: { arguments: ["tag", "text"], required: 2, streaming: false, write: false, require: null, deprecated: false },
      setCount: { arguments: ["n"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      setName: { arguments: ["name"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      setReadonly: { arguments: ["flag"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      setReadonlyOf: { arguments: ["id", "flag"], required: 2, streaming: false, write: false, require: null, deprecated: false },
      sideEffect: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      slow: { arguments: ["ms"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      starts: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      streamEnded: { arguments: [], required: 0, streaming: true, write: false, require: null, deprecated: false },
      streamEndless: { arguments: [], required: 0, streaming: true, write: false, require: null, deprecated: false },
      streamFails: { arguments: ["n"], required: 1, streaming: true, write: false, require: null, deprecated: false },
      streamNumbers: { arguments: ["n"], required: 1, streaming: true, write: false, require: null, deprecated: false },
      streamReturned: { arguments: ["n"], required: 1, streaming: true, write: false, require: null, deprecated: false },
      sum: { arguments: ["a", "b"], required: 2, streaming: false, write: false, require: null, deprecated: false },
      whoami: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
  TestGame: {
    name: "test-game",
    methods: {
      getMyPermissions: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      getPermissions: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      joinAsPlayer: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      setPlayers: { arguments: ["players"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      startSpectating: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      upgradeToEditor: { arguments: ["secret"], required: 1, streaming: false, write: false, require: null, deprecated: false },
    },
  },
  TestNoIdentity: {
    name: "test-no-identity",
    methods: {
      increment: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
  TestNoState: {
    name: "test-no-state",
    methods: {
      getState: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      ping: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      setStateTo: { arguments: ["value"], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
  TestOAuthAgent: {
    name: "test-o-auth-agent",
    methods: {
      who: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
} as const;

/** Changes when anything above does, except comments. */
export const schemaHash = "1439f70dbb7df787";
