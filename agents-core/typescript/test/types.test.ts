// Code that must compile, and code that must not. `npm run check` compiles this file; the test only loads it.

import { expect, expectTypeOf, test } from "vitest";

import { type AgentClient, type AgentErrorCode, type AgentStream, connect } from "../src/client.js";
import type { useAgent } from "../src/react.js";

test("this file loads", () => {
  expect(accepted).toBeTypeOf("function");
});

export function accepted(room: AgentClient<"TestCounter">) {
  expectTypeOf(room.increment).returns.toEqualTypeOf<Promise<number>>();
  expectTypeOf(room.streamNumbers).returns.toEqualTypeOf<AgentStream<number, number>>();
  expectTypeOf(room.state).extract<undefined>().toEqualTypeOf<undefined>();
  expectTypeOf(room.setState).parameter(0).toEqualTypeOf<NonNullable<typeof room.state>>();
  expectTypeOf<ReturnType<typeof useAgent<"TestCounter">>["client"]>().toEqualTypeOf<AgentClient<"TestCounter">>();
}

export function refused(room: AgentClient<"TestCounter">) {
  // @ts-expect-error no such class
  connect("TestCounters", "a");
  // @ts-expect-error a name is needed
  connect("TestCounter");
  // @ts-expect-error a parameter of the address is a text, a number or a flag
  connect("TestCounter", "a", { query: { deep: {} } });
  // @ts-expect-error no such method
  room.incremment();
  // @ts-expect-error a number is needed
  room.slow("a");
  // @ts-expect-error no such method
  room.call("incremment", []);
  // @ts-expect-error a number is needed
  room.call("slow", ["a"]);
  // @ts-expect-error this method does not stream
  for (const _ of room.slow(1)) break;
  // @ts-expect-error the state has no such shape
  room.setState({ counted: 1 });
  // @ts-expect-error the state can only be read
  room.state = undefined;
}

/** Returns the code. The `switch` over the codes is exhaustive. */
export function text(code: AgentErrorCode): string {
  switch (code) {
    case "rpc":
    case "readonly":
    case "forbidden":
    case "rejected":
    case "timeout":
    case "disconnected":
    case "refused":
    case "closed":
    case "aborted":
    case "overflow":
    case "invalid":
    case "query":
      return code;
  }
}
