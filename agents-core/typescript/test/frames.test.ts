// The frames on the wire and their times, on a fake socket in virtual time.

import { readFile } from "node:fs/promises";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { AgentError, Status } from "../src/client.js";
import { client, FakeSocket } from "./fake.js";

beforeEach(() => {
  FakeSocket.reset();
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const tick = () => vi.advanceTimersByTimeAsync(0);
const failure = (work: PromiseLike<unknown>): Promise<AgentError> =>
  Promise.resolve(work).then(
    (value) => {
      throw new Error(`the work did not fail and returned ${value}`);
    },
    (error: AgentError) => error,
  );
const code = async (work: PromiseLike<unknown>) => (await failure(work)).code;
const state = (count: number) => ({ count }) as never;

/** Returns a client that the agent has accepted. */
async function opened(options: Parameters<typeof client>[0] = {}) {
  const agent = client(options);
  await tick();
  const socket = FakeSocket.last;
  socket.opens();
  socket.greets({ count: 0 });
  await agent.ready;
  return { agent, socket };
}

test("the address has class, name, query and the id of the connection", async () => {
  client({ query: { token: "a b&c", flag: true, none: null, nor: undefined } });
  await tick();
  expect(FakeSocket.last.url).toBe("wss://h.test/agents/test-counter/a?token=a+b%26c&flag=true&_pk=me");
});

test("calls, states and messages have the frames of the protocol", async () => {
  const { agent, socket } = await opened();
  const calls = [agent.slow(5), agent.increment()];
  agent.setState(state(3));
  agent.send("text");
  const bytes = new Uint8Array([1]);
  agent.send(bytes);
  expect(socket.take()).toEqual([
    '{"type":"rpc","id":"1","method":"slow","args":[5]}',
    '{"type":"rpc","id":"2","method":"increment","args":[]}',
    '{"type":"cf_agent_state","state":{"count":3}}',
    "text",
    bytes,
  ]);
  // A short call overtakes a long one. A second answer and an answer without a call are ignored.
  socket.answers("2", 9);
  socket.answers("2", 8);
  socket.answers("77", 8);
  socket.says({ done: true, id: "1", success: true, type: "rpc" });
  expect(await Promise.all(calls)).toEqual([undefined, 9]);
});

test("frames that are not part of the protocol are messages", async () => {
  const { agent, socket } = await opened();
  const heard: unknown[] = [];
  agent.onMessage((message) => heard.push(message));
  const messages = ["{", "[]", '"rpc"', '{"type":"rpc","id":5}', '{"type":"chat"}', "null"];
  for (const message of messages) socket.says(message);
  expect(heard).toEqual(messages);
});

test("frames that are made before the connection wait for it, in their order", async () => {
  const agent = client();
  void agent.increment().catch(() => {});
  agent.send("second");
  agent.setState(state(1));
  await tick();
  expect(FakeSocket.last.sent).toEqual([]);
  FakeSocket.last.opens();
  expect(FakeSocket.last.take()).toEqual([
    '{"type":"rpc","id":"1","method":"increment","args":[]}',
    "second",
    '{"type":"cf_agent_state","state":{"count":1}}',
  ]);
});

test("a stream that is left is cancelled once, and never after its end", async () => {
  const { agent, socket } = await opened();
  const stream = agent.streamNumbers(9);
  const next = stream.next();
  socket.answers("1", 0, false);
  expect(await next).toEqual({ done: false, value: 0 });
  socket.take();
  await stream.return();
  await stream.return();
  expect(socket.take()).toEqual(['{"type":"rpc_cancel","id":"1"}']);
  socket.answers("1", 1, false); // was on its way
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(await code(stream)).toBe("aborted");

  const whole = agent.streamNumbers(1);
  socket.take();
  socket.answers("2", 1);
  await whole.return();
  expect([await whole, socket.take()]).toEqual([1, []]);
});

test("a call that is given up before it was sent is never sent, and is not cancelled either", async () => {
  const agent = client();
  const stop = new AbortController();
  const call = agent.call("slow", [1], { signal: stop.signal });
  const late = agent.call("slow", [2], { timeout: 10 });
  const stream = agent.streamNumbers(3);
  const codes = Promise.all([code(call), code(late), code(stream)]);
  stop.abort();
  await stream.return();
  await vi.advanceTimersByTimeAsync(10);
  FakeSocket.last.opens();
  expect([await codes, FakeSocket.last.sent]).toEqual([["aborted", "timeout", "aborted"], []]);
});

test("pieces are skipped for a reader that only awaits, and kept for one that iterates and awaits", async () => {
  const { agent, socket } = await opened({ streamBuffer: 2 });
  const total = Promise.resolve(agent.streamNumbers(9));
  await tick();
  for (let n = 0; n < 9; n += 1) socket.answers("1", n, false);
  socket.answers("1", 9);
  expect(await total).toBe(9);

  const stream = agent.streamNumbers(2);
  socket.answers("2", 0, false);
  expect(await stream.next()).toEqual({ done: false, value: 0 });
  const result = Promise.resolve(stream);
  await tick();
  socket.answers("2", 1, false);
  socket.answers("2", 2);
  expect([await stream.next(), await stream.next(), await result]).toEqual([
    { done: false, value: 1 },
    { done: true, value: undefined },
    2,
  ]);
});

test("the time limit of a call includes the wait for the connection, and can be turned off", async () => {
  const agent = client({ callTimeout: 1_000 });
  const codes: unknown[] = [];
  const note = (what: string, work: Promise<unknown>) => void work.catch((e: AgentError) => codes.push([what, e.code]));
  note("waits", agent.increment());
  await vi.advanceTimersByTimeAsync(600);
  FakeSocket.last.opens();
  note("sent", agent.increment());
  for (const timeout of [0, Infinity, 2 ** 40]) note("no limit", agent.call("slow", [1], { timeout }));
  await vi.advanceTimersByTimeAsync(399);
  expect(codes).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(codes).toEqual([["waits", "timeout"]]);
  await vi.advanceTimersByTimeAsync(600);
  expect(codes).toEqual([["waits", "timeout"], ["sent", "timeout"]]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(codes).toHaveLength(2);
});

test("a state that is pushed before the first one arrives stays: the server reads it later", async () => {
  const agent = client();
  await tick();
  FakeSocket.last.opens();
  agent.setState(state(5));
  FakeSocket.last.greets({ count: 1 });
  expect(agent.state?.count).toBe(5);
  // If the push is refused, the state that arrived meanwhile counts.
  FakeSocket.last.says({ type: "cf_agent_state_error", error: "State update rejected" });
  expect(agent.state?.count).toBe(1);
  // A state that another client sets later counts, as always.
  agent.setState(state(6));
  FakeSocket.last.says({ state: { count: 7 }, type: "cf_agent_state" });
  expect(agent.state?.count).toBe(7);
});

test("without a first state the next one comes from another client", async () => {
  const agent = client();
  await tick();
  FakeSocket.last.opens();
  agent.setState(state(5));
  FakeSocket.last.greets();
  FakeSocket.last.says({ state: { count: 7 }, type: "cf_agent_state" });
  expect(agent.state?.count).toBe(7);
});

test("a state that has no JSON form changes nothing", async () => {
  const { agent, socket } = await opened();
  for (const bad of [undefined, { count: 1n }]) expect(() => agent.setState(bad as never)).toThrow("no JSON form");
  expect([agent.state?.count, socket.take()]).toEqual([0, []]);
});

test("delays before a reconnect grow from half a second to ten, not the same for all", async () => {
  const delays: number[][] = [];
  for (const random of [0, 0.999]) {
    vi.spyOn(Math, "random").mockReturnValue(random);
    FakeSocket.reset();
    const agent = client();
    await tick();
    const mine: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      const [before, since] = [FakeSocket.made.length, Date.now()];
      FakeSocket.last.ends(1006);
      while (FakeSocket.made.length === before) await vi.advanceTimersByTimeAsync(10);
      mine.push(Date.now() - since);
    }
    delays.push(mine);
    agent.close();
  }
  const expected = (least: number) => Array.from({ length: 9 }, (_, n) => Math.min(10_000, least * 1.6 ** n));
  for (const [n, least] of [500, 999.5].entries()) {
    for (const [m, delay] of expected(least).entries()) expect(Math.abs(delays[n]![m]! - delay)).toBeLessThanOrEqual(20);
  }
});

test.each([1008, 4000, 4429, 4999])("%d is final: the client neither connects nor calls the query again", async (closeCode) => {
  const query = vi.fn(async () => ({ token: "t" }));
  const { agent, socket } = await opened({ query });
  const waiting = failure(agent.increment());
  socket.ends(closeCode, "no");
  const error = await waiting;
  expect([error.code, error.closeCode, error.message]).toEqual(["refused", closeCode, "no"]);
  expect([await agent.closed, agent.error, agent.status]).toEqual([error, error, "refused"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([FakeSocket.made.length, query.mock.calls.length]).toEqual([1, 1]);
});

test.each([
  [4404, "unknown agent class `nope`, the classes are counter", 1],
  [4400, "Invalid name", 1],
  [4401, "log in first", 0],
  [1001, "server shutting down", 0],
])("a close with %d and the reason %s is written to the console %d times", async (closeCode, reason, times) => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const { agent, socket } = await opened();
  const waiting = [failure(agent.increment()), failure(agent.increment())];
  socket.ends(closeCode, reason);
  const messages = (await Promise.all(waiting)).map((error) => error.message);
  expect(messages).toEqual(Array(2).fill(reason));
  const lines = log.mock.calls.map(([line]) => line);
  const line = `agents: wss://h.test/agents/test-counter/a was refused: ${closeCode} ${reason}`;
  expect(lines).toEqual(Array(times).fill(line));
  log.mockRestore();
  agent.close();
});

test.each([1000, 1001, 1005, 1006, 1011, 1012, 3000, 3999, 5000])("after %d the client reconnects", async (closeCode) => {
  const { agent, socket } = await opened();
  const statuses: unknown[] = [];
  agent.onStatus((status, error) => statuses.push([status, error?.code, error?.closeCode]));
  const onTheWire = code(agent.increment());
  socket.ends(closeCode);
  expect(await onTheWire).toBe("disconnected");
  const waiting = agent.increment();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(FakeSocket.made).toHaveLength(2);
  FakeSocket.last.opens();
  FakeSocket.last.greets({ count: 4 });
  expect(FakeSocket.last.take()).toEqual(['{"type":"rpc","id":"2","method":"increment","args":[]}']);
  FakeSocket.last.answers("2", 5);
  expect([await waiting, agent.state?.count]).toEqual([5, 4]);
  expect(statuses).toEqual([["lost", "disconnected", closeCode], ["open", undefined, undefined]]);
});

test("a query that fails is reported once, and is tried again", async () => {
  let fails = false;
  const { agent, socket } = await opened({
    query: () => {
      if (fails) throw new Error("no token");
      return {};
    },
  });
  const statuses: [Status, string | undefined][] = [];
  agent.onStatus((status, error) => statuses.push([status, error?.code]));
  fails = true;
  socket.ends(1006);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(agent.error).toMatchObject({ code: "query", message: "the query failed: no token" });
  fails = false;
  await vi.advanceTimersByTimeAsync(2_000);
  FakeSocket.last.opens();
  FakeSocket.last.greets();
  expect(statuses).toEqual([["lost", "disconnected"], ["lost", "query"], ["open", undefined]]);
});

test("an attempt that takes too long is given up", async () => {
  const agent = client({ connectTimeout: 2_000 });
  await tick();
  await vi.advanceTimersByTimeAsync(2_000);
  expect([agent.status, agent.error?.code, agent.error?.message]).toEqual(["connecting", "disconnected", "timeout"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(FakeSocket.made).toHaveLength(2);
});

test("a message for a socket that is closing waits for the next socket", async () => {
  const { agent, socket } = await opened();
  socket.readyState = 2;
  agent.send("later");
  socket.ends(1001);
  await vi.advanceTimersByTimeAsync(1_000);
  FakeSocket.last.opens();
  expect([socket.take(), FakeSocket.last.take()]).toEqual([[], ["later"]]);
});

test("a close carries its code and reason, settles calls, and is reported once", async () => {
  const { agent, socket } = await opened();
  const statuses: Status[] = [];
  agent.onStatus((status) => statuses.push(status));
  const waiting = code(agent.increment());
  expect(() => agent.close(1001)).toThrow(RangeError);
  expect(() => agent.close(4000, "ü".repeat(62))).toThrow(RangeError);
  expect(agent.status).toBe("open");
  agent.close(4000, "bye");
  agent.close();
  expect([await waiting, socket.closedWith, statuses]).toEqual(["closed", [4000, "bye"], ["closed"]]);
  expect((await agent.closed).code).toBe("closed");
  expect(() => agent.send("x")).toThrow("the client was closed");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.made).toHaveLength(1);
});

test("a client that is closed while it waits neither connects nor calls the query function", async () => {
  const query = vi.fn(() => ({}));
  const agent = client({ query });
  const [ready, call] = [code(agent.ready), code(agent.increment())];
  agent.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([await ready, await call, FakeSocket.made.length, query.mock.calls.length]).toEqual(["closed", "closed", 0, 0]);
});

test("a client is ready without an identity, and without a greeting", async () => {
  const quiet = client();
  await tick();
  FakeSocket.last.opens();
  FakeSocket.last.says({ type: "cf_agent_state", state: { count: 2 } });
  FakeSocket.last.says({ mcp: {}, type: "cf_agent_mcp_servers" });
  expect([await quiet.ready, quiet.identity, quiet.state?.count]).toEqual([{ name: "a", agent: "test-counter" }, undefined, 2]);
  const mute = client();
  await tick();
  FakeSocket.last.opens();
  FakeSocket.last.says("hello");
  expect([await mute.ready, mute.status]).toEqual([{ name: "a", agent: "test-counter" }, "open"]);
});

test("all spellings of a name lead to one agent, as in the other clients", async () => {
  const { connect } = await import("../src/client.js");
  type Name = { form: string; spellings: string[]; escaping?: string[] };
  const { names, none, dots } = JSON.parse(await readFile(new URL("../../../tests/names.json", import.meta.url), "utf8"));
  // An unpaired surrogate becomes U+FFFD, as in browsers.
  const half: Name = { form: "a%EF%BF%BD", spellings: ["a\u{d800}"] };
  for (const { form, spellings, escaping = [] } of [...(names as Name[]), half]) {
    for (const name of [...spellings, ...escaping, form]) {
      connect("TestCounter", name, { host: "localhost:1", WebSocket: FakeSocket, connectionId: "me" });
      await tick();
      expect(FakeSocket.last.url).toBe(`ws://localhost:1/agents/test-counter/${form}?_pk=me`);
      // A URL parser does not change the form.
      expect(new URL(FakeSocket.last.url).pathname).toBe(`/agents/test-counter/${form}`);
    }
  }
  for (const name of ["", ...dots, ...none]) expect(() => connect("TestCounter", name, { host: "h.test" }), name).toThrow(TypeError);
  expect(() => connect("TestCounter", "a", { host: "not a host" })).toThrow(TypeError);
});

test("a connect without a socket class fails with an error that names the option", async () => {
  vi.stubGlobal("WebSocket", undefined);
  expect(() => client({ WebSocket: undefined })).toThrow("`WebSocket`");
});

test("an error of a listener is reported, and affects neither the other listeners nor the client", async () => {
  const reported: unknown[] = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  const { agent, socket } = await opened();
  const heard: string[] = [];
  const listen = (add: (listener: () => void) => void, what: string) => {
    add(() => {
      throw what;
    });
    add(() => void heard.push(what));
  };
  listen((listener) => agent.subscribe(listener), "state");
  listen((listener) => agent.onMessage(listener), "message");
  listen((listener) => agent.onStateRejected(listener), "rejection");
  listen((listener) => agent.onStatus(listener), "status");
  const waiting = code(agent.increment());
  socket.says({ type: "cf_agent_state", state: { count: 1 } });
  socket.says("hello");
  socket.says({ type: "cf_agent_state_error", error: "State update rejected" });
  socket.ends(4000);
  expect(await waiting).toBe("refused");
  expect(heard).toEqual(["state", "message", "rejection", "status"]);
  expect(reported).toEqual(heard);
});

test("a listener that is removed is not called again, even for the message that is being delivered", async () => {
  const { agent, socket } = await opened();
  const heard: string[] = [];
  const ends: (() => void)[] = [];
  ends.push(agent.onMessage(() => void (heard.push("first"), ends.forEach((end) => end()))));
  ends.push(agent.onMessage(() => void heard.push("second")));
  // One function twice is two listeners.
  const twice = () => void heard.push("twice");
  const [one] = [agent.onMessage(twice), agent.onMessage(twice)];
  one!();
  socket.says("a");
  socket.says("b");
  expect(heard).toEqual(["first", "twice", "twice"]);
});

test("all listeners get everything in one order, and a status before its consequences", async () => {
  const { agent, socket } = await opened();
  const heard: unknown[] = [];
  agent.subscribe(({ count }) => {
    if (count === 1) agent.setState(state(2));
  });
  agent.subscribe(({ count }, previous) => heard.push([previous?.count, count]));
  agent.onStatus((status) => {
    if (status === "lost") agent.close();
  });
  agent.onStatus((status) => heard.push(status));
  socket.says({ type: "cf_agent_state", state: { count: 1 } });
  socket.ends(1006);
  expect(heard).toEqual([[0, 1], [1, 2], "lost", "closed"]);
  expect(agent.status).toBe("closed");
});

test("a client that is closed while it waits for anything leaves no timer behind", async () => {
  const waits: [string, (room: ReturnType<typeof client>) => unknown][] = [
    ["the first attempt", () => {}],
    ["the socket to open", tick],
    ["an answer", async (room) => {
      await tick();
      FakeSocket.last.opens();
      room.increment().catch(() => {});
    }],
    ["another attempt", async () => {
      await tick();
      FakeSocket.last.ends(1006);
      await vi.advanceTimersByTimeAsync(100);
      expect(vi.getTimerCount()).toBeGreaterThan(0);
    }],
  ];
  for (const [what, wait] of waits) {
    const room = client({ minReconnectDelay: 5_000 });
    await wait(room);
    room.close();
    await tick();
    expect(vi.getTimerCount(), what).toBe(0);
    FakeSocket.reset();
  }
});

test("arguments that a method does not take are not sent", async () => {
  const room = client();
  await tick();
  FakeSocket.last.opens();
  [7, 8].map(room.increment).forEach((call) => void call.catch(() => {}));
  room.call("sum", [1, 2, 3] as unknown as [number, number]).catch(() => {});
  const sent = FakeSocket.last.take().map((frame) => (JSON.parse(String(frame)) as { args: unknown }).args);
  expect(sent).toEqual([[7], [8], [1, 2]]);
  room.close();
});
