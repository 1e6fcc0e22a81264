// The scheme of an address.

import { afterEach, expect, test, vi } from "vitest";

import { address } from "../src/runtime/options.js";

afterEach(() => void vi.unstubAllGlobals());

/** Returns the scheme for a host, on a page at this address or outside of pages. */
function scheme(host: string | undefined, page?: string): string {
  vi.stubGlobal("location", page === undefined ? undefined : new URL(page));
  return new URL(address("a", "b", { host })).protocol.slice(0, -1);
}

test.each([
  ["its own server", undefined, "ws"],
  ["the same machine at another port", "192.168.1.7:8787", "ws"],
  ["another machine of the network", "10.0.0.9:8787", "ws"],
  ["a name", "agents.example.org", "ws"],
])("a page that came over http from the network connects without encryption: %s", (_, host, expected) => {
  expect(scheme(host, "http://192.168.1.7:5173/")).toBe(expected);
});

test.each([
  [undefined, "ws"],
  ["localhost:8787", "ws"],
  ["127.0.0.1:8787", "ws"],
  ["192.168.1.7:8787", "ws"],
  ["agents.example.org", "wss"],
])("a page of this machine connects to a public server with encryption: %s", (host, expected) => {
  expect(scheme(host, "http://localhost:5173/")).toBe(expected);
});

test.each([
  [undefined, "wss"],
  ["agents.example.org", "wss"],
  ["192.168.1.7:8787", "wss"],
  ["localhost:8787", "ws"],
  ["[::1]:8787", "ws"],
  ["localhost.example.org", "wss"],
])("a secure page connects with encryption, except to this machine: %s", (host, expected) => {
  expect(scheme(host, "https://example.org/")).toBe(expected);
});

test("a secure page of this machine connects to its own server with encryption", () => {
  expect(scheme(undefined, "https://localhost:8443/")).toBe("wss");
  expect(scheme("localhost:8443", "https://localhost:8443/")).toBe("wss");
});

test.each([
  ["example.org", "wss"],
  ["localhost:8787", "ws"],
  ["[::1]", "ws"],
  ["10.1.2.3", "ws"],
  ["172.16.0.1:80", "ws"],
  ["172.32.0.1:80", "wss"],
  ["printer.local:8787", "ws"],
  ["[fd00::1]:8787", "ws"],
  ["[2001:db8::1]:8787", "wss"],
  ["10.example.org", "wss"],
])("outside of pages the address decides: %s", (host, expected) => {
  expect(scheme(host)).toBe(expected);
});

test("a given scheme or protocol is used", () => {
  for (const page of [undefined, "http://10.0.0.1/", "https://example.org/"]) {
    expect(scheme("https://localhost:8787", page)).toBe("wss");
    expect(scheme("ws://example.org", page)).toBe("ws");
  }
  vi.stubGlobal("location", new URL("http://10.0.0.1/"));
  expect(address("a", "b", { protocol: "wss" })).toBe("wss://10.0.0.1/agents/a/b");
});
