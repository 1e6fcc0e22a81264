// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

/**
 * The document that all clients see.
 */
export type Document = { title: string, text: string, };

/**
 * One line of the audit table.
 */
export type Entry = { at: number, who: string, what: string, outcome: string, };

/**
 * Each event that the document sends on its own initiative.
 */
export type Event = { "type": "readers", readers: Array<Reader>, } | { "type": "audit", entry: Entry, };

/**
 * The rights of a connection.
 */
export type Permissions = { editor: boolean, canEdit: boolean, };

/**
 * A participant, and whether the participant may write at the moment.
 */
export type Reader = { name: string, canEdit: boolean, };

export type Upgrade = { success: boolean, };

/** A document with editors and viewers. */
export interface SharedDocument {
  /** The synchronised state. */
  readonly state: Document;

  /** Returns the last lines of the audit table, oldest first. */
  audit(): Promise<Array<Entry>>;

  /**
   * Empties the document. Editors that have locked themselves cannot call it.
   *
   * Refused for a read-only connection.
   *
   * Needs the right `editor`.
   */
  clear(): Promise<void>;

  /** Returns the rights of the caller, so that a page shows only buttons that work. */
  getPermissions(): Promise<Permissions>;

  /** Sets the title. The check is part of the state change, so the call of a viewer fails there. */
  rename(title: string): Promise<void>;

  /**
   * Locks or unlocks the caller. A lock protects an editor from mistakes. It does not protect the
   * document, so only editors can remove it.
   *
   * Needs the right `editor`.
   */
  setMyReadonly(readonly: boolean): Promise<void>;

  /** Makes the caller an editor if the code is right. */
  upgradeToEditor(code: string): Promise<Upgrade>;
}

/** The methods of `SharedDocument` that are refused for a read-only connection before they run. */
export type SharedDocumentWrites = "clear";

/** The agents by class: their state and methods, and what their streams are made of. */
export interface Agents {
  SharedDocument: { agent: SharedDocument; streams: {} };
}

/**
 * The agents by class: the name in addresses, and for each method its arguments, how many of them are
 * required, and its options.
 */
export const agents = {
  SharedDocument: {
    name: "shared-document",
    methods: {
      audit: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      clear: { arguments: [], required: 0, streaming: false, write: true, require: "editor", deprecated: false },
      getPermissions: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      rename: { arguments: ["title"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      setMyReadonly: { arguments: ["readonly"], required: 1, streaming: false, write: false, require: "editor", deprecated: false },
      upgradeToEditor: { arguments: ["code"], required: 1, streaming: false, write: false, require: null, deprecated: false },
    },
  },
} as const;

/** Changes when anything above does, except comments. */
export const schemaHash = "922e860a7c01e141";
