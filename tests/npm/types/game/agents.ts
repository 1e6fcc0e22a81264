// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

/**
 * The game that all clients see.
 */
export type Game = { players: Array<Player>, 
/**
 * The id of the player that owns each cell. A free cell has none.
 */
cells: Array<string | null>, };

export type Mode = { mode: string, };

/**
 * The rights of the caller.
 */
export type Permissions = { canEdit: boolean, connectionId: string, };

/**
 * A player with a seat. The id is that of the connection, which a client keeps over reconnects.
 */
export type Player = { id: string, name: string, };

/** A board for four. */
export interface BoardGame {
  /** The synchronised state. */
  readonly state: Game;

  /** Takes a free cell. The call of a spectator fails at the state change. */
  claim(cell: number): Promise<void>;

  /** Returns the rights of the caller. A call without a connection has none. */
  getMyPermissions(): Promise<Permissions | null>;

  /** Takes a seat, if one is free. */
  joinAsPlayer(): Promise<Mode>;

  /**
   * Clears the board, for players.
   *
   * Refused for a read-only connection.
   */
  restart(): Promise<void>;

  /** Frees the seat; the caller becomes a spectator. */
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
