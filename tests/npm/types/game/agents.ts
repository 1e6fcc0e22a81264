// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

/**
 * The game that everybody sees.
 */
export type Game = { players: Array<Player>, 
/**
 * Who has each cell: the id of a player, or nothing.
 */
cells: Array<string | null>, };

export type Mode = { mode: string, };

/**
 * What the caller may do.
 */
export type Permissions = { canEdit: boolean, connectionId: string, };

/**
 * Somebody with a seat. The id is that of the connection, which a client keeps over reconnects.
 */
export type Player = { id: string, name: string, };

/** A board for four. */
export interface BoardGame {
  /** The synchronised state. */
  readonly state: Game;

  /** Takes a free cell. A spectator's call fails where it changes the state. */
  claim(cell: number): Promise<void>;

  /** Says what the caller may do; nothing for a call that comes from no connection. */
  getMyPermissions(): Promise<Permissions | null>;

  /** Takes a seat, if one is free. */
  joinAsPlayer(): Promise<Mode>;

  /**
   * Clears the board, for players.
   *
   * Refused for a read-only connection.
   */
  restart(): Promise<void>;

  /** Gives the seat back and watches on. */
  startSpectating(): Promise<Mode>;
}

/** The methods of `BoardGame` that are refused for a read-only connection before they run. */
export type BoardGameWrites = "restart";

/** The agents by class: their state and methods, and what their streams are made of. */
export interface Agents {
  BoardGame: { agent: BoardGame; streams: {} };
}

/**
 * The agents by class: the name in addresses, and for each method its arguments, how many of them are
 * required, and its options.
 */
export const agents = {
  BoardGame: {
    name: "board-game",
    methods: {
      claim: { arguments: ["cell"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      getMyPermissions: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      joinAsPlayer: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      restart: { arguments: [], required: 0, streaming: false, write: true, require: null, deprecated: false },
      startSpectating: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
} as const;

/** Changes when anything above does, except comments. */
export const schemaHash = "26aab78165789aac";
