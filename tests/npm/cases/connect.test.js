import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  connect,
  drained,
  each,
  frame,
  framesOf,
  open,
  settled,
  sleep,
  uniqueName,
  until,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

each(test, "S91 S109 identity: name and class reach the client", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  assert.equal(client.identified, true);
  assert.equal(client.name, name);
  assert.equal(client.agent, "test-counter");
  assert.deepEqual(client.log.identities, [{ name, agent: "test-counter" }]);
});

each(test, "S60 S92 S93 on connect: identity, state, mcp servers, in this order and once", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  await drained(client);
  assert.deepEqual(client.log.frames.slice(0, 3), [
    {
      type: "cf_agent_identity",
      name,
      agent: "test-counter",
      stateFollows: true,
    },
    { type: "cf_agent_state", state: { count: 0 } },
    {
      type: "cf_agent_mcp_servers",
      mcp: { prompts: [], resources: [], servers: {}, tools: [] },
    },
  ]);
  assert.deepEqual(
    client.log.frames.slice(3).map(({ type }) => type),
    ["rpc"],
  );
});

each(test, "S91 ready: 0.32 waits for the state, 0.21 for the identity", async (t, version) => {
  const name = uniqueName();
  const first = await connect(t, version, server, { name });
  await first.call("setCount", [7]);
  const client = open(t, version, server, { name });
  const seen = await settled(
    client.ready.then(() => structuredClone(client.state)),
    "ready",
  );
  if (version.waitsForState) assert.deepEqual(seen, { count: 7 });
  await until(() => client.state, "the state");
  assert.deepEqual(client.state, { count: 7 });
});

each(test, "S92 no state: identity says nothing of a state, no state frame comes", async (t, version) => {
  const client = await connect(t, version, server, {
    agent: "TestNoState",
    name: uniqueName(),
  });
  assert.equal(await client.call("ping"), "pong");
  assert.equal(client.state, undefined);
  assert.deepEqual(
    client.log.frames.map(({ type }) => type),
    ["cf_agent_identity", "cf_agent_mcp_servers", "rpc"],
  );
  assert.equal("stateFollows" in client.log.frames[0], false);
});

each(test, "S92 null, 0, false and an empty text are states and are sent on connect", async (t, version) => {
  for (const value of [null, 0, false, ""]) {
    const name = uniqueName();
    const options = { agent: "TestNoState", name };
    const writer = await connect(t, version, server, options);
    await writer.call("setStateTo", [value]);
    const client = await connect(t, version, server, options);
    await client.call("ping");
    assert.deepEqual(framesOf(client, "cf_agent_state"), [
      { type: "cf_agent_state", state: value },
    ]);
    assert.equal(framesOf(client, "cf_agent_identity")[0].stateFollows, true);
    assert.equal(client.state, value);
  }
});

each(test, "S91 without identity: state and mcp frames only, calls work", async (t, version) => {
  const client = open(t, version, server, {
    agent: "TestNoIdentity",
    name: uniqueName(),
  });
  assert.equal(await settled(client.call("increment"), "the answer"), 1);
  assert.equal(client.identified, false);
  assert.deepEqual(
    client.log.frames.map(({ type }) => type),
    ["cf_agent_state", "cf_agent_mcp_servers", "cf_agent_state", "rpc"],
  );
});

each(test, "S6 S60 the connect hook's own frame comes after the protocol frames", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name, query: { greet: "1" } });
  const greeting = await frame(client, (f) => f?.type === "greeting", "the greeting");
  assert.equal(client.log.frames.indexOf(greeting), 3);
  assert.equal(greeting.name, name);
  await drained(client);
  assert.equal(framesOf(client, "greeting").length, 1);
});

each(test, "S8 S20 S148 the connect hook reads query, header and cookie", async (t, version) => {
  const client = await connect(t, version, server, {
    name: uniqueName(),
    query: { greet: "1", token: "a b&c=ü" },
    headers: { "x-test": "from the header", cookie: "other=1; session=s3" },
  });
  const greeting = await frame(client, (f) => f?.type === "greeting", "the greeting");
  assert.equal(greeting.token, "a b&c=ü");
  assert.equal(greeting.header, "from the header");
  assert.equal(greeting.cookie, "s3");
  const bare = await connect(t, version, server, {
    name: uniqueName(),
    query: { greet: "1" },
  });
  const plain = await frame(bare, (f) => f?.type === "greeting", "the greeting");
  assert.equal(plain.token, null);
  assert.equal(plain.header, null);
  assert.equal(plain.cookie, null);
});

each(test, "S6 frames sent early wait until the connect hook has finished", async (t, version) => {
  const client = open(t, version, server, {
    name: uniqueName(),
    query: { wait: "300", greet: "1" },
  });
  client.send("ping");
  await frame(client, (f) => f === "pong", "pong");
  const { frames } = client.log;
  const greeting = frames.findIndex((f) => f?.type === "greeting");
  assert.ok(greeting >= 0, "the greeting came");
  assert.ok(greeting < frames.indexOf("pong"), "the greeting came first");
});

each(test, "S24 the connection id is the client's _pk, and two clients differ", async (t, version) => {
  const name = uniqueName();
  const one = await connect(t, version, server, { name });
  const two = await connect(t, version, server, { name });
  assert.equal((await one.call("whoami")).id, one._pk);
  assert.equal((await two.call("whoami")).id, two._pk);
  assert.notEqual(one._pk, two._pk);
  assert.ok(new URL(one.log.attempts[0]).searchParams.get("_pk") === one._pk);
  const chosen = await connect(t, version, server, { name, id: "my-own-id" });
  assert.equal((await chosen.call("whoami")).id, "my-own-id");
});

each(test, "S24 the id stays the same over a reconnect", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const { id } = await client.call("whoami");
  client.reconnect();
  await until(() => client.log.opens === 2, "the second open");
  await settled(client.ready, "ready again");
  assert.equal((await client.call("whoami")).id, id);
});

each(test, "S24 a second live client with the same _pk is served under another id", async (t, version) => {
  const name = uniqueName();
  const one = await connect(t, version, server, { name, id: "twin" });
  const two = await connect(t, version, server, { name, id: "twin" });
  assert.equal((await one.call("whoami")).id, "twin");
  const second = (await two.call("whoami")).id;
  assert.notEqual(second, "twin");
  assert.deepEqual(
    (await one.call("connectionIds", [null])).sort(),
    ["twin", second].sort(),
  );
});

each(test, "S25 S33 S101 uri, server and name", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name, query: { mode: "edit" } });
  const who = await client.call("whoami");
  assert.equal(who.server, name);
  assert.equal(who.agent, name);
  const uri = new URL(who.uri, "http://unknown");
  assert.equal(uri.pathname, `/agents/test-counter/${name}`);
  assert.equal(uri.searchParams.get("mode"), "edit");
  assert.equal(uri.searchParams.get("_pk"), client._pk);
});

each(test, "S148 class names: camel case, kebab case, acronyms and loud case", async (t, version) => {
  for (const [agent, kebab, method] of [
    ["TestCounter", "test-counter", "getCount"],
    ["test-counter", "test-counter", "getCount"],
    ["TestOAuthAgent", "test-o-auth-agent", "who"],
    ["LOUD_CASE", "loud-case", "who"],
    ["loud-case", "loud-case", "who"],
  ]) {
    const name = uniqueName();
    const client = await connect(t, version, server, { agent, name });
    assert.equal(client.agent, kebab);
    assert.equal(await client.call(method), method === "who" ? name : 0);
  }
});

each(test, "S17 S148 names: default, mixed case, and escapes as they stand", async (t, version) => {
  const first = await connect(t, version, server, {});
  assert.equal(first.name, "default");
  const mixed = uniqueName("Mixed_Case.Name~");
  assert.equal((await connect(t, version, server, { name: mixed })).name, mixed);
  const coded = `${uniqueName()}%20%C3%BC`;
  const client = await connect(t, version, server, { name: coded });
  assert.equal(client.name, coded);
  assert.equal((await client.call("whoami")).server, coded);
});

each(test, "S148 basePath and path: the server goes by the address alone", async (t, version) => {
  const name = uniqueName();
  const based = await connect(t, version, server, {
    agent: "Whatever",
    name: "ignored",
    basePath: `agents/test-counter/${name}`,
  });
  assert.equal(based.name, name);
  assert.equal(based.agent, "test-counter");
  await based.call("setCount", [3]);
  const deeper = await connect(t, version, server, { name, path: "more/parts" });
  assert.equal(await deeper.call("getCount"), 3);
  assert.match((await deeper.call("whoami")).uri, /\/more\/parts\?/);
});

each(test, "S148 an unknown class: closed for good with 4404 and a reason, instead of trying for ever", async (t, version) => {
  const client = open(t, version, server, {
    agent: "NoSuchClass",
    name: uniqueName(),
  });
  await until(() => client.log.connectionErrors.length, "the connection error");
  const [{ code, reason }] = client.log.connectionErrors;
  assert.equal(code, 4404);
  assert.notEqual(reason, "unknown reason");
  await sleep(600);
  assert.equal(client.log.attempts.length, 1);
  assert.deepEqual(client.log.frames, []);
});

each(test, "S1 fifty clients at once on a cold agent: one start, all identified", async (t, version) => {
  const name = uniqueName();
  const clients = await Promise.all(
    Array.from({ length: 50 }, () => connect(t, version, server, { name })),
  );
  assert.equal(await clients[0].call("starts"), 1);
  assert.equal((await clients[0].call("connectionIds", [null])).length, 50);
});

each(test, "S91 ready resets on close and settles again after a reconnect", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const first = client.ready;
  client.reconnect();
  assert.notEqual(client.ready, first);
  assert.equal(client.identified, false);
  await settled(client.ready, "ready again");
  assert.equal(client.identified, true);
  await sleep(0);
  assert.equal(client.log.identities.length, 2);
});
