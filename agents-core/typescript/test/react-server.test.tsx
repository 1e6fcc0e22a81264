// The hook on a server that renders pages. It does not connect there.

import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { useAgent } from "../src/react.js";
import { FakeSocket } from "./fake.js";

beforeEach(() => {
  FakeSocket.reset();
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function Counter(options: { suspense?: boolean }) {
  const agent = useAgent("TestCounter", "a", options);
  return `${agent.status}:${agent.state?.count ?? "none"}`;
}

test.each([{}, { suspense: true }])("a page is rendered without an address, a socket and a timer: %o", async (options) => {
  expect(typeof window).toBe("undefined");
  expect(renderToString(<Counter {...options} />)).toBe("connecting:none");
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.made).toEqual([]);
});

test("two requests share no client", () => {
  const seen = new Set<unknown>();
  function Seen() {
    seen.add(useAgent("TestCounter", "a").client);
    return null;
  }
  renderToString(<Seen />);
  renderToString(<Seen />);
  expect(seen.size).toBe(2);
});
