// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

/**
 * Each event that the room sends on its own initiative.
 */
export type Event = { "type": "join", user: string, timestamp: number, } | { "type": "message", user: string, text: string, timestamp: number, } | { "type": "leave", user: string, timestamp: number, } | { "type": "user-typing", userId: string, } | { "type": "presence", users: { [key in string]: Presence }, } | { "type": "report", user: string, text: string, timestamp: number, };

/**
 * One line of the history.
 */
export type Post = { author: string, body: string, postedAt: number, };

/**
 * The part of a member's data that other members can see.
 */
export type Presence = { name: string, role: Role, lastSeen: number, };

export type Role = "member" | "moderator" | "admin";

/**
 * The state that all members see.
 */
export type Room = { topic: string, messages: number, };

/** A chat room. */
export interface ChatRoom {
  /** The synchronised state. */
  readonly state: Room;

  /** Returns the last posts, oldest first. */
  history(limit?: number | null): Promise<Array<Post>>;

  /** Posts a message to all members. */
  post(body: string): Promise<void>;

  /** Closes the connection of a member, for admins. */
  remove(id: string): Promise<void>;

  /** Sends a report to the admins only. Returns the number of admins that are connected. */
  report(text: string): Promise<number>;

  /** Changes the topic, for moderators and admins. */
  setTopic(topic: string): Promise<void>;

  /** Notifies all other members that this member is typing. */
  typing(): Promise<void>;
}

/** The methods of `ChatRoom` that are refused for a read-only connection before they run. */
export type ChatRoomWrites = never;

/** The agents by class: their state and methods, and what their streams are made of. */
export interface Agents {
  ChatRoom: { agent: ChatRoom; streams: {} };
}

/**
 * The agents by class: the name in addresses, and for each method its arguments, how many of them are
 * required, and its options.
 */
export const agents = {
  ChatRoom: {
    name: "chat-room",
    methods: {
      history: { arguments: ["limit"], required: 0, streaming: false, write: false, require: null, deprecated: false },
      post: { arguments: ["body"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      remove: { arguments: ["id"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      report: { arguments: ["text"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      setTopic: { arguments: ["topic"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      typing: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
    },
  },
} as const;

/** Changes when anything above does, except comments. */
export const schemaHash = "3d381d567663eab5";
