// Uses the types of the other examples, and of the agent of the tests that has every kind of type.

import { AgentClient } from "agents/client";
import { useAgent } from "agents/react";

import type { Counter, CounterStreams } from "./counter/agents.js";
import type { Board, Health, StatusBoard } from "./dashboard/agents.js";
import { agents as docs } from "./docs/agents.js";
import type { Document, SharedDocument, SharedDocumentWrites } from "./docs/agents.js";
import type { BoardGame, Game } from "./game/agents.js";
import { agents, schemaHash } from "./everything/agents.js";
import type {
  Bare, Everything, Internal, JsonValue, Kitchen, KitchenStreams, KitchenWrites, Page, Point, Tree,
} from "./everything/agents.js";

const options = { host: "127.0.0.1:8787", agent: "any", name: "any" };

export async function streams() {
  const counter = new AgentClient<Counter>(options);
  const chunks: CounterStreams["countdown"][] = [];
  const last: string = await counter.call("countdown", [3], {
    stream: { onChunk: (chunk) => chunks.push(chunk as CounterStreams["countdown"]) },
  });
  return [last, chunks];
}

export async function boards() {
  const board = new AgentClient<StatusBoard, Board>(options);
  await board.stub.setHealth("web", "slow");
  // @ts-expect-error no such health
  await board.stub.setHealth("web", "sleepy");
  const health: Health | undefined = board.state?.services["web"];
  const game = useAgent<BoardGame, Game>({ agent: "BoardGame" });
  const cells: Array<string | null> | undefined = game.state?.cells;
  return [health, cells];
}

/** Returns whether a page disables a button for a viewer. */
export function isOff(method: keyof SharedDocument, canEdit: boolean): boolean {
  const writes: SharedDocumentWrites[] = ["clear"];
  // @ts-expect-error the connection is not refused
  writes.push("audit");
  return !canEdit && (writes as string[]).includes(method);
}

export const right: "editor" = docs.SharedDocument.methods.clear.require;
export const document: Document = { title: "", text: "" };

export async function everything() {
  const kitchen = new AgentClient<Kitchen, Everything>(options);
  const page: Page<Page<Tree>> = await kitchen.stub.trees(
    { value: 1, children: [], page: null },
    { name: "flat", x: 1, y: 2 },
  );
  const ids: string[] | null = await kitchen.stub.optional(null, null, "third");
  await kitchen.stub.optional(1, 2, "third", ["fourth"], null, { any: ["thing", null] });
  // @ts-expect-error the third is required
  await kitchen.stub.optional(null, null);
  await kitchen.stub.enums("vert", { fields: { firstField: true, second: null } }, { type: "unit" }, { t: "new", c: 1 });
  // @ts-expect-error this variant has another name
  await kitchen.stub.enums("green", "unit", { type: "unit" }, { t: "unit" });
  const pair: [number, string] = await kitchen.stub.delete("x", { vert: 1 });
  const made: void = await kitchen.stub.new();
  await kitchen.stub.count("18446744073709551615");
  // @ts-expect-error a number would lose digits
  await kitchen.stub.count(1);
  const spoken: number = await kitchen.call("speak", [1500]);
  const whispered: unknown = await kitchen.stub.whisper();
  const piece: KitchenStreams["count"] = { x: 1, y: 2 } satisfies Point;
  const state: Everything | undefined = kitchen.state;
  const left: number | null | undefined = state?.leftOut;
  return [page, ids, pair, made, spoken, whispered, piece, left];
}

export function area(internal: Internal): number {
  switch (internal.type) {
    case "unit":
      return 0;
    case "new":
      return internal.x * internal.y;
    case "fields":
      return internal.atPoint.x;
  }
}

export const any: Bare["state"] = { any: [1, "two", null] } satisfies JsonValue;

/** Uses clients whose state type is narrower than that of the class. */
export function knowing() {
  const bare = useAgent<Bare, {}>({ agent: "Bare" });
  const counted = useAgent<Bare, { count: number }>({ agent: "Bare" });
  const client = new AgentClient<Bare, { count: number }>(options);
  const count: number | undefined = counted.state?.count ?? client.state?.count;
  return [bare.state, count];
}

/** Returns a value that may be missing, as `undefined`. */
export function missing(next?: number): Page<Tree> {
  return { items: [{ value: 1, children: [] }], next };
}
export const writes: KitchenWrites[] = ["setAll", "trees"];
export const names: ["bare", "all-of-it"] = [agents.Bare.name, agents.Kitchen.name];
export const first: "first" = agents.Kitchen.methods.optional.arguments[0];
export const required: 3 = agents.Kitchen.methods.optional.required;
export const hash: string = schemaHash;
