import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  connect,
  each,
  framesOf,
  settled,
  uniqueName,
  until,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

const JSON_VALUES = [
  null,
  true,
  0,
  -7,
  9007199254740991,
  2.5,
  "",
  "ü 🦀 \u0000 \" \\",
  [],
  {},
  [1, [2, [3]]],
  { a: { b: [null, { c: "d" }] }, type: "rpc", id: 1 },
];

each(test, "S112 S130 S138 call and stub", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  assert.equal(await client.call("increment"), 1);
  assert.equal(await client.call("increment", [4]), 5);
  assert.equal(await client.stub.decrement(), 4);
  assert.equal(await client.stub.sum(20, 22), 42);
});

each(test, "S133 arguments and results of any JSON come back unchanged", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  for (const value of JSON_VALUES) {
    assert.deepEqual(await client.call("echo", [value]), value);
  }
});

each(test, "S133 no value is undefined, a returned null is null", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  assert.equal(await client.call("nothing"), undefined);
  assert.equal(await client.call("returnNull"), null);
  const [nothing, nil] = framesOf(client, "rpc");
  assert.deepEqual(Object.keys(nothing).sort(), ["done", "id", "success", "type"]);
  assert.equal(nothing.done, true);
  assert.deepEqual(Object.keys(nil).sort(), [
    "done",
    "id",
    "result",
    "success",
    "type",
  ]);
});

each(test, "S133 arguments that a method does not have are ignored", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  // Each call gets an item, its index and all items.
  assert.deepEqual(await Promise.all([1, 2, 3].map(client.stub.increment)), [1, 3, 6]);
  assert.equal(await client.call("sum", [1, 2, "three"]), 3);
  assert.equal(await client.call("nothing", [{}]), undefined);
});

each(test, "S133 half of a surrogate pair arrives as it would in UTF-8", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const text = "a\ud83d b\udc00 \ud83e\udd80";
  assert.equal(await client.call("echo", [text]), text.toWellFormed?.() ?? "a\ufffd b\ufffd \ud83e\udd80");
});

each(test, "S133 a missing trailing optional argument is none, null too", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  assert.equal(await client.call("increment", []), 1);
  assert.equal(await client.call("increment", [null]), 2);
});

each(test, "S133 wrong arguments: an error that names them, and the body does not run", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  await assert.rejects(client.call("sum", [1]), /\bb\b/);
  await assert.rejects(client.call("sum", ["one", 2]), /\ba\b/);
  await assert.rejects(client.call("increment", ["many"]), /\bby\b/);
  assert.equal(await client.call("getCount"), 0);
});

each(test, "S130 unknown method, method that is not callable", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  await assert.rejects(client.call("noSuchMethod"), {
    message: "Method noSuchMethod does not exist",
  });
  await assert.rejects(client.call("hidden"), {
    message: "Method hidden is not callable",
  });
  await assert.rejects(client.call("onStart"), {
    message: "Method onStart is not callable",
  });
  assert.equal(await client.call("getCount"), 0);
});

each(test, "S132 S146 an error's text reaches the caller as it is", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  for (const text of ["plain", "with \"quotes\" and ü 🦀\nand a line"]) {
    await assert.rejects(client.call("fail", [text]), { message: text });
    await assert.rejects(client.stub.fail(text), { message: text });
  }
  const failure = framesOf(client, "rpc").at(-1);
  assert.deepEqual(Object.keys(failure).sort(), ["error", "id", "success", "type"]);
  assert.equal(failure.success, false);
});

each(test, "S132 a panic is a generic error, and the agent goes on", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  await client.call("setCount", [3]);
  const error = await client.call("panics").then(
    () => assert.fail("a panic has no result"),
    (e) => e,
  );
  assert.notEqual(error.message, "");
  assert.doesNotMatch(error.message, /secret|panic\.rs|\.rs:|stack|thread/i);
  // The socket may be closed with the instance (1011). The client then reconnects.
  assert.equal(
    await until(
      () => client.call("getCount").catch(() => undefined),
      "the next call",
    ),
    3,
  );
  const other = await connect(t, version, server, { name });
  assert.equal(await other.call("increment"), 4);
});

each(test, "S112 calls run side by side: a short one overtakes a long one", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const order = [];
  const long = client.call("slow", [400]).then((ms) => order.push(ms));
  const short = client.call("slow", [10]).then((ms) => order.push(ms));
  const sync = client.call("increment").then(() => order.push("increment"));
  await settled(Promise.all([long, short, sync]), "three answers");
  assert.equal(order.at(-1), 400);
  assert.equal(order.length, 3);
});

each(test, "S138 many calls at once are each answered with their own result", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const results = await Promise.all(
    Array.from({ length: 500 }, (_, i) => client.call("echo", [i])),
  );
  assert.deepEqual(results, Array.from({ length: 500 }, (_, i) => i));
});

each(test, "S138 a call before the socket is open waits for it", async (t, version) => {
  const client = new version.AgentClient({
    agent: "TestCounter",
    name: uniqueName(),
    host: server.host,
    WebSocket: (await import("ws")).default,
  });
  t.after(() => client.close());
  assert.equal(client.readyState, client.CONNECTING);
  assert.equal(await settled(client.call("increment", [2]), "the answer"), 2);
});

each(test, "S138 the client's own timeout: the late answer is dropped, the next call works", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  t.mock.method(console, "warn", () => {});
  await assert.rejects(client.call("slow", [300], { timeout: 50 }), /timed out/);
  assert.equal(await client.call("slow", [400]), 400);
});

each(test, "S134 the callable knows its caller", async (t, version) => {
  const name = uniqueName();
  const one = await connect(t, version, server, { name, query: { name: "one" } });
  const two = await connect(t, version, server, { name, query: { name: "two" } });
  const [first, second] = await Promise.all([one.call("whoami"), two.call("whoami")]);
  assert.deepEqual([first.id, first.name], [one._pk, "one"]);
  assert.deepEqual([second.id, second.name], [two._pk, "two"]);
});

each(test, "S138 the wire: extra keys, an empty id and the same id twice", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  t.mock.method(console, "warn", () => {});
  const request = { type: "rpc", id: "", method: "increment", args: [], extra: 1 };
  client.send(JSON.stringify(request));
  client.send(JSON.stringify({ ...request, id: "twice" }));
  client.send(JSON.stringify({ ...request, id: "twice" }));
  const answers = await until(() => {
    const all = framesOf(client, "rpc");
    return all.length === 3 && all;
  }, "three answers");
  assert.deepEqual(
    answers.map(({ id, result }) => [id, result]),
    [
      ["", 1],
      ["twice", 2],
      ["twice", 3],
    ],
  );
});

each(test, "S9 S138 what is not a call gets no answer but goes to the message hook", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const odd = [
    { type: "rpc", id: 1, method: "increment", args: [] },
    { type: "rpc", id: "a", method: "increment" },
    { type: "rpc", id: "b", method: "increment", args: {} },
    { type: "rpc", id: "c", args: [] },
    { type: "cf_agent_identity", name: "x", agent: "y" },
    { type: "cf_agent_mcp_servers", mcp: {} },
    { type: "cf_agent_state" },
    { type: "unknown" },
    {},
  ];
  for (const frame of odd) client.send(JSON.stringify(frame));
  const received = await until(() => {
    const all = client.log.frames.filter((f) => f && "received" in f);
    return all.length === odd.length && all;
  }, "the hook's echoes");
  assert.deepEqual(
    received.map((f) => f.received),
    odd,
  );
  assert.deepEqual(framesOf(client, "rpc"), []);
  assert.equal(await client.call("getCount"), 0);
});

each(test, "S56 S138 a 1 MiB result and a 1 MiB argument", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const size = 1024 * 1024;
  const text = await client.call("big", [size]);
  assert.equal(text.length, size);
  assert.equal((await client.call("echo", [text])).length, size);
});
