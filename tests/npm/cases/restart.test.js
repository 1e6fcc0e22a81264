import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import {
  connect,
  drained,
  each,
  frame,
  open,
  settled,
  uniqueName,
  until,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

let server;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.stop());

each(test, "S102 kill and restart: clients come back by themselves and the state is still there", async (t, version) => {
  const name = uniqueName();
  const one = await connect(t, version, server, { name });
  const two = await connect(t, version, server, { name });
  assert.equal(await one.call("increment", [41]), 41);
  await until(() => two.state?.count === 41, "the state");

  await server.kill();
  await until(() => one.log.closes.length && two.log.closes.length, "the close");
  assert.equal(one.identified, false);
  assert.deepEqual(one.log.connectionErrors, []);

  await server.startAgain();
  await settled(Promise.all([one.ready, two.ready]), "ready again");
  await until(() => one.log.states.length >= 3, "the state again");
  assert.deepEqual(one.state, { count: 41 });
  assert.equal((await one.call("whoami")).id, one._pk);
  assert.equal(await one.call("increment"), 42);
  await until(() => two.state?.count === 42, "an update after the restart");
  assert.equal(await two.call("starts"), 2);
});

each(test, "S138 calls on the wire reject when the server dies; calls made meanwhile are sent later", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  const onTheWire = client.call("slow", [20_000]);
  const streaming = [];
  const stream = client.call("streamNumbers", [100_000], {
    stream: {
      onChunk: (chunk) => streaming.push(chunk),
      onError: (error) => streaming.push(error),
    },
  });
  const rejected = Promise.all([
    assert.rejects(onTheWire, { message: "Connection closed" }),
    assert.rejects(stream, { message: "Connection closed" }),
  ]);
  await until(() => streaming.length > 3, "some chunks");

  await server.kill();
  await settled(rejected, "the rejections");
  assert.equal(streaming.at(-1), "Connection closed");

  const buffered = [client.call("increment"), client.call("increment")];
  await server.startAgain();
  assert.deepEqual(await settled(Promise.all(buffered), "the answers"), [1, 2]);
});

each(test, "S102 an answered write is on disk: nothing acknowledged is lost by a kill", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  let acknowledged = 0;
  const writer = (async () => {
    for (;;) acknowledged = await client.call("increment");
  })().catch(() => {});
  await until(() => acknowledged >= 25, "25 writes");
  await server.kill();
  await writer;
  await server.startAgain();
  await settled(client.ready, "ready again");
  const count = await client.call("getCount");
  assert.ok(count >= acknowledged, `${count} >= ${acknowledged}`);
  assert.ok(count <= acknowledged + 1, `${count} <= ${acknowledged} + 1`);
});

each(test, "S102 a push that others have seen is on disk", async (t, version) => {
  const name = uniqueName();
  const sender = await connect(t, version, server, { name });
  const other = await connect(t, version, server, { name });
  sender.setState({ count: 77 });
  await until(() => other.state?.count === 77, "the push");
  await server.kill();
  await server.startAgain();
  const late = await connect(t, version, server, { name });
  await until(() => late.state, "the state");
  assert.deepEqual(late.state, { count: 77 });
});

each(test, "S35 connection state and readonly start afresh after a restart", async (t, version) => {
  const name = uniqueName();
  const viewer = await connect(t, version, server, {
    name,
    query: { mode: "view", name: "ada" },
  });
  await viewer.call("setName", ["changed"]);
  await viewer.call("setReadonly", [false]);
  await server.kill();
  await server.startAgain();
  await until(() => viewer.log.opens === 2, "the reconnect");
  await settled(viewer.ready, "ready again");
  const who = await viewer.call("whoami");
  assert.equal(who.name, "ada");
  assert.equal(who.readonly, true);
});

each(test, "S109 an orderly end closes clients with a retryable code, and they come back", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  await client.call("setCount", [6]);
  await server.terminate();
  await until(() => client.log.closes.length, "the close");
  const [{ code }] = client.log.closes;
  assert.ok(code === 1001 || code === 1012, `${code} says that the server goes away`);
  assert.deepEqual(client.log.connectionErrors, []);
  await server.startAgain();
  await settled(client.ready, "ready again");
  assert.equal(await client.call("getCount"), 6);
});

each(test, "S138 a client that starts before the server connects when it is there", async (t, version) => {
  await server.kill();
  const client = open(t, version, server, { name: uniqueName() });
  const call = client.call("increment");
  await until(() => client.log.attempts.length >= 2, "failed attempts");
  await server.startAgain();
  assert.equal(await settled(call, "the answer"), 1);
  client.send("ping");
  await frame(client, (f) => f === "pong", "pong");
  await drained(client);
});

each(test, "S138 fifty clients come back after a crash: what was sent rejects, what waited is answered, the state converges", async (t, version) => {
  const name = uniqueName();
  const clients = await Promise.all(Array.from({ length: 50 }, () => connect(t, version, server, { name })));
  await settled(Promise.all(clients.map((client) => client.call("increment"))), "the first answers");
  const pending = clients.map((client) =>
    assert.rejects(client.call("slow", [60_000]), { message: "Connection closed" }),
  );
  await server.kill();
  await settled(Promise.all(pending), "the rejections");
  const waiting = clients.map((client) => client.call("increment"));
  await server.startAgain();
  const counts = await settled(Promise.all(waiting), "the answers");
  assert.deepEqual(counts.sort((a, b) => a - b), Array.from({ length: 50 }, (_, n) => 51 + n));
  await until(() => clients.every((client) => client.state?.count === 100), "the same state everywhere");
});
