// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

/**
 * The state that all visitors see.
 */
export type Board = { services: { [key in string]: Health }, announcement: string, };

/**
 * One line of the log.
 */
export type Entry = { who: string, what: string, };

export type Health = "up" | "slow" | "down";

/**
 * The user of a connection. It is stored with the connection, so it survives hibernation.
 */
export type Visitor = { admin?: string | null | undefined, };

/** The state of a system. With `strict`, a visitor writes neither the state nor the log. */
export interface StatusBoard {
  /** The synchronised state. */
  readonly state: Board;

  /** Returns the last lines of the log, oldest first. */
  log(): Promise<Array<Entry>>;

  /** Writes a line into the log. The call changes no state, so only `strict` refuses a visitor. */
  note(text: string): Promise<void>;

  /** Sets the status of a service. */
  setHealth(service: string, health: Health): Promise<void>;

  whoAmI(): Promise<Visitor>;
}

/** The methods of `StatusBoard` that are refused for a read-only connection before they run. */
export type StatusBoardWrites = never;

/** The agents by class: their state and methods, and what their streams are made of. */
export interface Agents {
  StatusBoard: { agent: StatusBoard; streams: {} };
}

/**
 * The agents by class: the name in addresses, and for each method its arguments, how many of them are
 * required, and its options.
 */
export const agents = {
  StatusBoard: {
    name: "status-board",
    methods: {
      log: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      note: { arguments: ["text"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      setHealth: { arguments: ["service", "health"], required: 2, streaming: false, write: false, require: null, deprecated: false },
      whoAmI: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
} as const;

/** Changes when anything above does, except comments. */
export const schemaHash = "3e757fd885666f19";
