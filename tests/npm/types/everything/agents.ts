// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */

export type Adjacent = { "t": "unit" } | { "t": "new", "c": number } | { "t": "pair", "c": [number, string] } | { "t": "fields", "c": { x: number, } };

export type Both = [number, Id];

export type Dates = { at: string, day: string, stamp: string, link: string, id: string, };

/** A span of time in milliseconds. */
export type Duration = number;

export type Empty = { [key in symbol]: never };

/**
 * A struct with fields of every kind.
 *
 * Its comment has two paragraphs, and `*\/` in one.
 */
export type Everything = { 
/**
 * Counts; a comment with *\/ in it.
 */
count: number, small: number, signed: number, huge: number, size: number, float: number, letter: string, flag: boolean, maybe?: string | null | undefined, nestedMaybe: Array<number | null>, leftOut?: number | null | undefined, alsoLeftOut?: Array<number> | undefined, neverLeftOut: number | null, type: string, byName: { [key in string]: Array<number> }, byNumber: { [key in number]: boolean }, byDigits: { [key in U64]: number }, pair: [string, number], triple: [number, number, number], set: Array<string>, any: JsonValue, boxed: number, raw: Array<number>, exact: U64, exactSigned: I64, exactHuge: [U128, I128], lasts: Duration, byFlag: { [key in "true" | "false"]?: number }, byOwnFlag: { [key in "true" | "false"]?: { [key in "true" | "false"]?: number } }, 
/**
 * One *\/ two three.
 * / four
 */
noted?: boolean | null | undefined, };

/**
 * Variants of every kind, each an object with one key.
 */
export type External = "unit" | { "new": number } | { "pair": [number, string] } | { "fields": { firstField: boolean, second?: Plain | null | undefined, } };

export type Flag = boolean;

/**
 * Keys of another struct among its own.
 */
export type Flat = { name: string, x: number, y: number, };

/** An `i128` as a decimal string. */
export type I128 = string;

/** An `i64` as a decimal string. */
export type I64 = string;

export type Id = string;

/**
 * Generic over its keys.
 */
export type Index<K, V> = { by: { [key in `${K & (string | number | boolean)}`]: V }, };

export type Internal = { "type": "unit" } | { "type": "new" } & Point | { "type": "fields", atPoint: Point, };

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

export type Nothing = null;

/**
 * A message that is not part of any method.
 */
export type Notice = { "type": "joined", who: string, } | { "type": "left", who: string, external: External, };

/**
 * Generic over its items.
 */
export type Page<T> = { items: Array<T>, next?: number | null | undefined, };

/**
 * Variants without fields.
 */
export type Plain = "darkRed" | "vert";

export type Point = { x: number, y: number, };

/**
 * A name that TypeScript has for itself, and a comment that only the compiler knows:
 **\/ none
 */
export type Record = { nothing: Empty, pages: { [key in string]: Index<string, Page<number>> }, };

/**
 * A type that holds itself.
 */
export type Tree = { value: number, children: Array<Tree>, page?: Page<Tree> | null | undefined, };

/** A `u128` as a decimal string. */
export type U128 = string;

/** A `u64` as a decimal string. */
export type U64 = string;

export type Untagged = number | string | Point | null;

/** An agent without a state of its own and without methods. */
export interface Bare {
  /** The synchronised state. */
  readonly state: any;
}

/** The methods of `Bare` that are refused for a read-only connection before they run. */
export type BareWrites = never;

/** An agent that names all of it. */
export interface Kitchen {
  /** The synchronised state. */
  readonly state: Everything;

  /**
   * Counts down.
   *
   * Answers with a stream of `KitchenStreams["count"]`. The client of the npm package takes `call("count", .., { stream: { onChunk } })`.
   */
  count(from: U64): Promise<void>;

  dates(dates: Dates, from: string, to: string): Promise<Array<string>>;

  /** Words that TypeScript keeps for itself. */
  delete(default_: string, in_: { [key in Plain]?: number }): Promise<[number, Id]>;

  /** Enums of every shape. */
  enums(plain: Plain, external: External, internal: Internal, adjacent: Adjacent, untagged?: Untagged): Promise<void>;

  motto(): Promise<string>;

  "new"(): Promise<void>;

  /**
   * The old way.
   *
   * @deprecated use `optional`
   */
  old(both: Both): Promise<Nothing>;

  optional(first: number | null, second: number | null, third: string, fourth?: Array<string> | null, fifth?: string | null, sixth?: JsonValue): Promise<Array<Id> | null>;

  records(by: { [key in "true" | "false"]?: Record }): Promise<Index<number, boolean | null>>;

  /**
   * Ends a comment: *\/ and goes on.
   *
   * - a list
   *
   * Refused for a read-only connection.
   */
  setAll(everything: Everything): Promise<Everything>;

  /**
   * Speaks.
   *
   * Answers with a stream of `KitchenStreams["speak"]`. The client of the npm package takes `call("speak", .., { stream: { onChunk } })`.
   */
  speak(for_: Duration): Promise<number>;

  /**
   * Refused for a read-only connection.
   *
   * Needs the right `editor`.
   */
  trees(tree: Tree, flat: Flat): Promise<Page<Page<Tree>>>;

  /** Answers with a stream of `KitchenStreams["whisper"]`. The client of the npm package takes `call("whisper", .., { stream: { onChunk } })`. */
  whisper(): Promise<unknown>;
}

/** The methods of `Kitchen` that are refused for a read-only connection before they run. */
export type KitchenWrites = "setAll" | "trees";

/** What the streams of `Kitchen` are made of, by method. */
export interface KitchenStreams {
  count: Point;
  speak: string;
  whisper: null;
}

/** The agents by class: their state and methods, and what their streams are made of. */
export interface Agents {
  Bare: { agent: Bare; streams: {} };
  Kitchen: { agent: Kitchen; streams: KitchenStreams };
}

/**
 * The agents by class: the name in addresses, and for each method its arguments, how many of them are
 * required, and its options.
 */
export const agents = {
  Bare: { name: "bare", methods: {} },
  Kitchen: {
    name: "all-of-it",
    methods: {
      count: { arguments: ["from"], required: 1, streaming: true, write: false, require: null, deprecated: false },
      dates: { arguments: ["dates", "from", "to"], required: 3, streaming: false, write: false, require: null, deprecated: false },
      delete: { arguments: ["default", "in"], required: 2, streaming: false, write: false, require: null, deprecated: false },
      enums: { arguments: ["plain", "external", "internal", "adjacent", "untagged"], required: 4, streaming: false, write: false, require: null, deprecated: false },
      motto: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      new: { arguments: [], required: 0, streaming: false, write: false, require: null, deprecated: false },
      old: { arguments: ["both"], required: 1, streaming: false, write: false, require: null, deprecated: true },
      optional: { arguments: ["first", "second", "third", "fourth", "fifth", "sixth"], required: 3, streaming: false, write: false, require: null, deprecated: false },
      records: { arguments: ["by"], required: 1, streaming: false, write: false, require: null, deprecated: false },
      setAll: { arguments: ["everything"], required: 1, streaming: false, write: true, require: null, deprecated: false },
      speak: { arguments: ["for"], required: 1, streaming: true, write: false, require: null, deprecated: false },
      trees: { arguments: ["tree", "flat"], required: 2, streaming: false, write: true, require: "editor", deprecated: false },
      whisper: { arguments: [], required: 0, streaming: true, write: false, require: null, deprecated: false },
    },
  },
} as const;

/** Changes when anything above does, except comments. */
export const schemaHash = "b72ff83637b492dd";
