// The client against a real server.

import { afterAll, beforeAll, expect, test } from "vitest";

import { type AgentClient, AgentError, connect, type ConnectOptions } from "../src/client.js";
import { Server, uniqueName, until } from "./server.js";

let server: Server;
const open: { close(): void }[] = [];

beforeAll(async () => {
  server = await Server.start();
});
afterAll(async () => {
  for (const client of open) client.close();
  await server.stop();
});

const FAST: ConnectOptions = { minReconnectDelay: 20, maxReconnectDelay: 200 };

function counter(name: string, options: ConnectOptions = {}, at: Server = server): AgentClient<"TestCounter"> {
  const client = connect("TestCounter", name, { host: at.host, ...FAST, ...options });
  open.push(client);
  return client;
}

async function failure(work: PromiseLike<unknown>): Promise<AgentError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(AgentError);
    return error as AgentError;
  }
  throw new Error("the work did not fail");
}

test("methods are called by name, the state follows, and the identity arrives", async () => {
  const name = uniqueName();
  const [one, two] = [counter(name), counter(name)];
  expect(one.state).toBeUndefined();
  expect(await one.ready).toEqual({ name, agent: "test-counter" });
  await two.ready;
  expect([one.status, one.identity, one.state?.count]).toEqual(["open", { name, agent: "test-counter" }, 0]);
  const seen: [number, number | undefined][] = [];
  const end = two.subscribe((next, previous) => seen.push([next.count, previous?.count]));
  expect(await one.increment()).toBe(1);
  expect(one.state?.count).toBe(1);
  await until(() => two.state?.count === 1);
  end();
  await one.increment();
  await until(() => two.state?.count === 2);
  expect(seen).toEqual([[1, 0]]);
  expect(await one.call("increment", [])).toBe(3);
});

test("a client is not a promise, and has no methods that its agent does not have", async () => {
  const client = counter(uniqueName()) as unknown as Record<string, unknown>;
  expect(client.then).toBeUndefined();
  expect(client.toJSON).toBeUndefined();
  expect(client.noSuchMethod).toBeUndefined();
  expect(await client).toBe(client);
});

test("errors have codes", async () => {
  const name = uniqueName();
  const viewer = counter(name, { query: { mode: "view" } });
  const refused = await failure(viewer.increment());
  expect([refused.code, refused.message, refused.name]).toEqual(["readonly", "Connection is readonly", "AgentError"]);
  const failed = await failure(viewer.fail("out of paper"));
  expect([failed.code, failed.message]).toEqual(["rpc", "out of paper"]);
  const invalid = await failure(viewer.call("slow", [1n as unknown as number]));
  expect(invalid.code).toBe("invalid");
});

test("a pushed state shows immediately, and is taken back when the agent refuses it", async () => {
  const name = uniqueName();
  const [editor, viewer] = [counter(name), counter(name, { query: { mode: "view" } })];
  await Promise.all([editor.ready, viewer.ready]);
  editor.setState({ ...editor.state!, count: 40 });
  expect(editor.state?.count).toBe(40);
  await until(() => viewer.state?.count === 40);

  const rejections: AgentError[] = [];
  viewer.onStateRejected((error) => rejections.push(error));
  viewer.setState({ ...viewer.state!, count: 99 });
  expect(viewer.state?.count).toBe(99);
  await until(() => rejections.length === 1);
  expect([viewer.state?.count, rejections[0]?.code]).toEqual([40, "readonly"]);
});

test("a stream is iterated, then awaited", async () => {
  const client = counter(uniqueName());
  const numbers = client.streamNumbers(4);
  const seen: number[] = [];
  for await (const number of numbers) seen.push(number);
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(await numbers).toBe(4);
  // Without a loop the pieces are skipped.
  expect(await client.streamNumbers(3)).toBe(3);
});

test("an error of a stream is thrown by the loop, and by the result", async () => {
  const client = counter(uniqueName());
  const stream = client.streamFails(2);
  const seen: number[] = [];
  const error = await failure(
    (async () => {
      for await (const number of stream) seen.push(number);
    })(),
  );
  expect([seen, error.code, error.message]).toEqual([[0, 1], "rpc", "stream broke"]);
  expect((await failure(stream)).message).toBe("stream broke");
});

test("a loop that is left stops the stream on the server", async () => {
  const client = counter(uniqueName());
  const seen: number[] = [];
  for await (const number of client.streamEndless()) {
    seen.push(number);
    if (number === 2) {
      expect(await client.openStreams()).toBe(1);
      break;
    }
  }
  expect(seen).toEqual([0, 1, 2]);
  await until(async () => (await client.openStreams()) === 0, "the end of the stream");

  // A signal stops a stream, too, and so does a loop that fails.
  const stop = new AbortController();
  const stopped = client.call("streamEndless", [], { signal: stop.signal });
  await stopped.next();
  stop.abort();
  expect((await failure(stopped)).code).toBe("aborted");
  await expect(
    (async () => {
      for await (const _ of client.streamEndless()) throw new Error("enough");
    })(),
  ).rejects.toThrow("enough");
  await until(async () => (await client.openStreams()) === 0, "the end of both streams");
  expect(client.status).toBe("open");
});

test("a stream whose reader is too slow fails, and stops on the server", async () => {
  const client = counter(uniqueName(), { streamBuffer: 8 });
  const stream = client.streamEndless();
  await stream.next();
  await until(async () => (await client.openStreams()) === 0, "the end of the stream");
  const seen: unknown[] = [];
  const error = await failure(
    (async () => {
      for await (const number of stream) seen.push(number);
    })(),
  );
  expect([error.code, seen.length]).toEqual(["overflow", 8]);
});

test("calls end by their time limit, or by a signal", async () => {
  const client = counter(uniqueName());
  await client.ready;
  expect((await failure(client.call("slow", [5_000], { timeout: 30 }))).code).toBe("timeout");
  const stop = new AbortController();
  const slow = client.call("slow", [5_000], { signal: stop.signal });
  stop.abort("never mind");
  const error = await failure(slow);
  expect([error.code, error.cause]).toEqual(["aborted", "never mind"]);
  expect((await failure(client.call("slow", [1], { signal: stop.signal }))).code).toBe("aborted");
  expect(await client.slow(1)).toBe(1);
});

test("a refusal is final: it is reported, and all calls fail with it", async () => {
  const client = counter(uniqueName(), { query: { token: "bad" } });
  const statuses: unknown[] = [];
  client.onStatus((status, error) => statuses.push([status, error?.closeCode]));
  const waiting = client.increment();
  const stream = client.streamNumbers(3);
  const error = await failure(client.ready);
  expect([error.code, error.closeCode, error.message]).toEqual(["refused", 4401, "token refused"]);
  expect(await failure(waiting)).toBe(error);
  expect(await failure(stream)).toBe(error);
  expect(await client.closed).toBe(error);
  expect(await failure(client.increment())).toBe(error);
  expect(() => client.setState({ count: 1 } as never)).toThrow(error);
  expect([client.status, statuses]).toEqual(["refused", [["refused", 4401]]]);
});

test("a close settles all calls, and is final", async () => {
  const client = counter(uniqueName());
  await client.ready;
  const waiting = [client.slow(5_000), client.streamEndless()];
  client.close();
  client.close();
  for (const work of waiting) expect((await failure(work)).code).toBe("closed");
  expect((await client.closed).code).toBe("closed");
  expect((await failure(client.increment())).code).toBe("closed");
  expect(client.status).toBe("closed");
});

test("a client that is closed before it was connected settles too", async () => {
  const client = counter(uniqueName());
  const [ready, call] = [client.ready, client.increment()];
  client.close();
  expect((await failure(ready)).code).toBe("closed");
  expect((await failure(call)).code).toBe("closed");
});

test("the queue of frames to send is bounded", async () => {
  const client = counter(uniqueName(), { host: "127.0.0.1:9", sendBuffer: 200 });
  const first = client.increment();
  expect((await failure(client.fail("x".repeat(200)))).code).toBe("overflow");
  expect(() => client.send("x".repeat(200))).toThrow(AgentError);
  client.close();
  expect((await failure(first)).code).toBe("closed");
});

test("a stream whose call does not fit into the queue fails", async () => {
  const client = counter(uniqueName(), { host: "127.0.0.1:9", sendBuffer: 10 });
  expect((await failure(client.streamEndless())).code).toBe("overflow");
  expect((await failure(client.streamEndless().next())).code).toBe("overflow");
  client.close();
});

test("the query function is called at each connect, and a failed attempt is repeated", async () => {
  const own = await Server.start();
  try {
    let asked = 0;
    const statuses: unknown[] = [];
    const query = async () => {
      asked += 1;
      if (asked === 1) throw new Error("no token yet");
      return { mode: asked < 3 ? "view" : undefined, n: asked };
    };
    const client = counter(uniqueName(), { query }, own);
    client.onStatus((status, error) => statuses.push([status, error?.code]));
    await client.ready;
    expect([asked, statuses]).toEqual([2, [["connecting", "query"], ["open", undefined]]]);
    expect((await failure(client.increment())).code).toBe("readonly");
    await own.kill();
    await until(() => client.status === "lost");
    await own.startAgain();
    expect(await client.increment()).toBe(1);
    expect(asked).toBeGreaterThan(2);
  } finally {
    await own.stop();
  }
});

test("calls on the wire fail with the connection, and calls that wait are sent after the reconnect", async () => {
  const own = await Server.start();
  try {
    const name = uniqueName();
    const client = counter(name, {}, own);
    await client.increment();
    const id = client.connectionId;
    const onTheWire = failure(client.slow(60_000));
    const stream = client.streamEndless();
    await stream.next();
    await own.kill();
    expect((await onTheWire).code).toBe("disconnected");
    expect((await failure(stream)).code).toBe("disconnected");
    expect([client.status, client.identity, client.state?.count]).toEqual(["lost", undefined, 1]);
    const waiting = client.increment();
    client.setState({ ...client.state!, count: 10 });
    const after = client.increment();
    await own.startAgain();
    expect([await waiting, await after]).toEqual([2, 11]);
    expect([client.status, client.connectionId, client.state?.count]).toEqual(["open", id, 11]);
  } finally {
    await own.stop();
  }
});

test("messages beside the protocol go both ways, text and bytes", async () => {
  const client = counter(uniqueName());
  await client.ready;
  const messages: unknown[] = [];
  client.onMessage((message) => messages.push(typeof message === "string" ? message : new Uint8Array(message)));
  client.send("hello");
  client.send(new Uint8Array([1, 2, 3]));
  await until(() => messages.length >= 2);
  expect(messages.map(String).join(" ")).toMatch(/hello.*1,2,3/);
});

test("fifty clients reconnect after a crash: calls settle, and the state converges", async () => {
  const own = await Server.start();
  try {
    const name = uniqueName();
    const clients = Array.from({ length: 50 }, () => counter(name, {}, own));
    await Promise.all(clients.map((client) => client.increment()));
    const pending = clients.map((client) => client.slow(60_000).then(() => "done", (error: AgentError) => error.code));
    await own.kill();
    expect(new Set(await Promise.all(pending))).toEqual(new Set(["disconnected"]));
    const waiting = clients.map((client) => client.increment());
    await own.startAgain();
    const counts = await Promise.all(waiting);
    expect([...counts].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => 51 + n));
    await until(() => clients.every((client) => client.state?.count === 100 && client.status === "open"));
  } finally {
    await own.stop();
  }
}, 60_000);
