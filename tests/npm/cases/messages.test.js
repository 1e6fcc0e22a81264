import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import {
  connect,
  drained,
  each,
  frame,
  open,
  uniqueName,
  until,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

const MIB = 1024 * 1024;

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

const binary = (client) => client.log.frames.filter((f) => f instanceof ArrayBuffer);

each(test, "S9 S23 S84 text and JSON reach the message hook, and its answers come back", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  client.send("ping");
  client.send('{"a":1}');
  client.send("not json {");
  await frame(client, (f) => f === "not json {", "the last answer");
  assert.deepEqual(client.log.frames.slice(3), [
    "pong",
    { received: { a: 1 } },
    "not json {",
  ]);
});

each(test, "S55 text of 1 MiB with emoji comes back unchanged", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const text = "🦀ü\u0000x".repeat(MIB / 8);
  client.send(text);
  const echoed = await frame(
    client,
    (f) => typeof f === "string" && f.length > MIB / 2,
    "the echo",
  );
  assert.ok(echoed === text);
});

each(test, "S56 1 MiB of random bytes comes back byte for byte", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const bytes = randomBytes(MIB);
  client.send(bytes);
  await until(() => binary(client).length, "the echo");
  assert.ok(bytes.equals(Buffer.from(binary(client)[0])));
});

each(test, "S57 S59 a view of 5 bytes is a message of 5 bytes, in both directions", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const whole = Uint8Array.from({ length: 16 }, (_, i) => i);
  client.send(new Uint8Array(whole.buffer, 3, 5));
  await until(() => binary(client).length === 1, "the echo");
  assert.deepEqual([...new Uint8Array(binary(client)[0])], [3, 4, 5, 6, 7]);
  await client.call("sendSlice");
  await until(() => binary(client).length === 2, "the slice");
  assert.deepEqual([...new Uint8Array(binary(client)[1])], [3, 4, 5, 6, 7]);
});

each(test, "S55 S56 empty messages are messages", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  client.send("");
  client.send(new Uint8Array(0));
  await until(() => binary(client).length, "the empty echo");
  assert.equal(client.log.frames.at(-2), "");
  assert.equal(binary(client)[0].byteLength, 0);
});

each(test, "S29 messages of one client are answered in order, text and binary mixed", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  for (let i = 0; i < 200; i += 1) {
    client.send(i % 2 ? `text-${i}` : Uint8Array.of(i));
  }
  await until(() => client.log.frames.length === 203, "all echoes");
  client.log.frames.slice(3).forEach((got, i) => {
    if (i % 2) assert.equal(got, `text-${i}`);
    else assert.deepEqual([...new Uint8Array(got)], [i]);
  });
});

each(test, "S38 S40 S42 broadcast to everyone, and to everyone but the caller", async (t, version) => {
  const name = uniqueName();
  const clients = [];
  for (let i = 0; i < 3; i += 1) {
    clients.push(await connect(t, version, server, { name }));
  }
  await clients[0].call("broadcast", ["to all"]);
  await clients[0].call("broadcastOthers", ["to others"]);
  for (const client of clients.slice(1)) {
    await frame(client, (f) => f === "to others", "the second broadcast");
  }
  for (const client of clients) await drained(client);
  const texts = clients.map((client) =>
    client.log.frames.filter((f) => typeof f === "string"),
  );
  assert.deepEqual(texts, [
    ["to all"],
    ["to all", "to others"],
    ["to all", "to others"],
  ]);
});

each(test, "S38 a broadcast stays within its agent", async (t, version) => {
  const one = await connect(t, version, server, { name: uniqueName() });
  const two = await connect(t, version, server, { name: uniqueName() });
  await one.call("broadcast", ["here only"]);
  await drained(two);
  assert.deepEqual(two.log.frames.filter((f) => typeof f === "string"), []);
});

each(test, "S31 S32 S44 S45 tags: the id first, then the hook's", async (t, version) => {
  const name = uniqueName();
  const plain = await connect(t, version, server, { name });
  assert.deepEqual((await plain.call("whoami")).tags, [plain._pk]);
  const tagged = await connect(t, version, server, {
    name,
    query: { role: "admin", tags: "2" },
  });
  const { tags } = await tagged.call("whoami");
  assert.equal(tags[0], tagged._pk);
  assert.deepEqual(tags.slice(1).sort(), ["admin", "t0", "t1"]);
});

each(test, "S48 S50 connections by tag, and a message to them alone", async (t, version) => {
  const name = uniqueName();
  const admin = await connect(t, version, server, { name, query: { role: "admin" } });
  const other = await connect(t, version, server, { name, query: { role: "moderator" } });
  assert.deepEqual(await other.call("connectionIds", ["admin"]), [admin._pk]);
  assert.deepEqual(await other.call("connectionIds", ["unused"]), []);
  assert.deepEqual(
    (await other.call("connectionIds", [null])).sort(),
    [admin._pk, other._pk].sort(),
  );
  await other.call("sendTagged", ["admin", "for admins"]);
  await frame(admin, (f) => f === "for admins", "the admins' message");
  await drained(other);
  assert.deepEqual(other.log.frames.filter((f) => typeof f === "string"), []);
});

each(test, "S26 S27 S36 a connection's state is its own", async (t, version) => {
  const name = uniqueName();
  const one = await connect(t, version, server, { name, query: { name: "ada" } });
  const two = await connect(t, version, server, { name });
  assert.equal((await one.call("whoami")).name, "ada");
  assert.equal((await two.call("whoami")).name, null);
  await two.call("setName", ["ben"]);
  assert.equal((await one.call("whoami")).name, "ada");
  assert.equal((await two.call("whoami")).name, "ben");
});

each(test, "S94 S95 S96 S97 S98 S43 without protocol frames: silence, but messages, calls and broadcasts work", async (t, version) => {
  const name = uniqueName();
  const silent = open(t, version, server, { name, query: { "no-protocol": "1" } });
  const other = await connect(t, version, server, { name });
  silent.send("first");
  await frame(silent, (f) => f === "first", "the echo");
  assert.deepEqual(silent.log.frames, ["first"]);
  await other.call("setCount", [4]);
  other.setState({ count: 5 });
  await drained(other);
  assert.equal(await silent.call("increment"), 6);
  await until(() => other.state?.count === 6, "the silent one's write");
  await other.call("broadcast", ["for all"]);
  await frame(silent, (f) => f === "for all", "the broadcast");
  silent.setState({ count: 7 });
  await until(() => other.state?.count === 7, "the silent one's push");
  await drained(silent);
  assert.deepEqual(
    silent.log.frames.filter((f) => f?.type !== "rpc"),
    ["first", "for all"],
  );
  assert.equal(silent.identified, false);
});

each(test, "S54 S99 the protocol flag can be read", async (t, version) => {
  const name = uniqueName();
  const silent = open(t, version, server, { name, query: { "no-protocol": "1" } });
  const other = await connect(t, version, server, { name });
  assert.equal((await silent.call("whoami")).protocol, false);
  assert.equal((await other.call("whoami")).protocol, true);
});
