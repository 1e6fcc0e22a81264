import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  connect,
  drained,
  each,
  framesOf,
  uniqueName,
  until,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

each(test, "S78 initial state: every newcomer gets it once, from the server", async (t, version) => {
  const name = uniqueName();
  for (const _ of [1, 2]) {
    const client = await connect(t, version, server, { name });
    await drained(client);
    assert.deepEqual(client.log.states, [
      { state: { count: 0 }, source: "server" },
    ]);
  }
});

each(test, "S79 S111 setState on the server: one frame to all, the caller included, before the answer", async (t, version) => {
  const name = uniqueName();
  const caller = await connect(t, version, server, { name });
  const other = await connect(t, version, server, { name });
  await drained(caller);
  await drained(other);
  caller.log.frames.length = 0;
  other.log.frames.length = 0;
  assert.equal(await caller.call("increment", [5]), 5);
  assert.deepEqual(
    caller.log.frames.map(({ type }) => type),
    ["cf_agent_state", "rpc"],
  );
  assert.deepEqual(caller.state, { count: 5 });
  await until(() => other.state?.count === 5, "the other's state");
  await drained(other);
  assert.deepEqual(framesOf(other, "cf_agent_state"), [
    { type: "cf_agent_state", state: { count: 5 } },
  ]);
  assert.deepEqual(other.log.states.at(-1), {
    state: { count: 5 },
    source: "server",
  });
});

each(test, "S111 client push: stored, to every other client, not back to the sender", async (t, version) => {
  const name = uniqueName();
  const sender = await connect(t, version, server, { name });
  const others = [
    await connect(t, version, server, { name }),
    await connect(t, version, server, { name }),
  ];
  await drained(sender);
  sender.log.frames.length = 0;
  sender.setState({ count: 41 });
  assert.deepEqual(sender.log.states.at(-1), {
    state: { count: 41 },
    source: "client",
  });
  for (const other of others) {
    await until(() => other.state?.count === 41, "the pushed state");
    assert.equal(other.log.states.at(-1).source, "server");
  }
  assert.equal(await sender.call("getCount"), 41);
  assert.deepEqual(
    sender.log.frames.map(({ type }) => type),
    ["rpc"],
  );
  const late = await connect(t, version, server, { name });
  await until(() => late.state, "the state");
  assert.deepEqual(late.state, { count: 41 });
});

each(test, "S145 validation refuses a push: 'State update rejected' to the sender alone, state unchanged", async (t, version) => {
  const name = uniqueName();
  const sender = await connect(t, version, server, { name });
  const other = await connect(t, version, server, { name });
  await sender.call("setCount", [2]);
  await drained(other);
  const before = other.log.frames.length;
  sender.setState({ count: -1 });
  await until(() => sender.log.stateErrors.length, "the refusal");
  assert.deepEqual(sender.log.stateErrors, ["State update rejected"]);
  assert.equal(await other.call("getCount"), 2);
  assert.deepEqual(
    other.log.frames.slice(before).map(({ type }) => type),
    ["rpc"],
  );
  assert.deepEqual(other.log.stateErrors, []);
});

each(test, "S145 a push that is not the agent's state type is refused the same way", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  for (const wrong of [{ count: "many" }, { other: 1 }, [], "text", null]) {
    client.setState(wrong);
  }
  await until(() => client.log.stateErrors.length === 5, "five refusals");
  assert.deepEqual(
    new Set(client.log.stateErrors),
    new Set(["State update rejected"]),
  );
  assert.equal(await client.call("getCount"), 0);
});

each(test, "S145 validation refuses a write in a call: the caller gets the text, no client gets a state", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  await drained(client);
  client.log.frames.length = 0;
  await assert.rejects(client.call("setCount", [-3]), {
    message: "count must not be negative",
  });
  assert.equal(await client.call("getCount"), 0);
  assert.deepEqual(framesOf(client, "cf_agent_state"), []);
});

each(test, "S154 S155 the change hook: 'server' for calls, the sender's id for pushes", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  await client.call("setCount", [1]);
  client.setState({ count: 2 });
  await client.call("setCount", [3]);
  const changes = await until(async () => {
    const all = (await client.call("changes")).filter(({ count }) => count > 0);
    return all.length === 3 && all;
  }, "three changes");
  assert.deepEqual(changes, [
    { source: "server", count: 1 },
    { source: client._pk, count: 2 },
    { source: "server", count: 3 },
  ]);
});

each(test, "S111 two clients and many writes end in one state, none is lost", async (t, version) => {
  const name = uniqueName();
  const clients = [
    await connect(t, version, server, { name }),
    await connect(t, version, server, { name }),
  ];
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => clients[i % 2].call("increment")),
  );
  for (const client of clients) {
    await until(() => client.state?.count === 200, "the last state");
  }
  assert.equal(await clients[0].call("getCount"), 200);
});

each(test, "S79 several writes in one turn: the last state arrives before the answer", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  await drained(client);
  client.log.frames.length = 0;
  assert.equal(await client.call("burst", [20]), 20);
  assert.equal(client.log.frames.at(-1).type, "rpc");
  assert.deepEqual(framesOf(client, "cf_agent_state").at(-1).state, { count: 20 });
});

each(test, "S111 instances of one class share nothing", async (t, version) => {
  const one = await connect(t, version, server, { name: uniqueName() });
  const two = await connect(t, version, server, { name: uniqueName() });
  await one.call("setCount", [9]);
  assert.equal(await two.call("getCount"), 0);
  assert.deepEqual(framesOf(two, "cf_agent_state").at(-1).state, { count: 0 });
});

each(test, "S111 a state of any JSON is replaced whole, by key presence alone", async (t, version) => {
  const name = uniqueName();
  const options = { agent: "TestNoState", name };
  const sender = await connect(t, version, server, options);
  const other = await connect(t, version, server, options);
  const deep = {
    list: [1, 2.5, -0.25, 1e20, "ü 🦀 \u0000 \u2028", null, true],
    nested: { a: { b: { c: [] } } },
    "": "empty key",
  };
  sender.setState(deep);
  await until(() => other.state?.nested, "the first state");
  assert.deepEqual(other.state, deep);
  sender.setState({ only: "this" });
  await until(() => other.state?.only, "the second state");
  assert.deepEqual(other.state, { only: "this" });
  sender.setState(null);
  await until(() => other.state === null, "null");
  assert.equal(await sender.call("getState"), null);
});
