import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  connect,
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

// Reconnecting takes at most 200 ms here, so a client that reconnects does so several times within this
// pause.
const LONG_ENOUGH_MS = 1_200;

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

async function endsForGood(client, code, reason) {
  await until(() => client.log.connectionErrors.length, "the connection error");
  const [error] = client.log.connectionErrors;
  assert.equal(error.name, "AgentConnectionError");
  assert.equal(error.code, code);
  assert.equal(error.reason, reason);
  assert.equal(client.connectionError, error);
  await sleep(LONG_ENOUGH_MS);
  assert.equal(client.log.attempts.length, 1, "no further attempt");
  assert.equal(client.log.connectionErrors.length, 1);
}

each(test, "S21 S113 a refused connection: opened, nothing sent, closed with 4401, and no way back", async (t, version) => {
  const client = open(t, version, server, {
    name: uniqueName(),
    query: { token: "bad" },
  });
  await endsForGood(client, 4401, "token refused");
  assert.equal(client.log.opens, 1);
  assert.deepEqual(client.log.frames, []);
  await assert.rejects(client.call("getCount"), { message: "Connection closed" });
});

each(test, "S21 forbidden closes with 4403; the same agent serves others", async (t, version) => {
  const name = uniqueName();
  const client = open(t, version, server, { name, query: { token: "forbidden" } });
  await endsForGood(client, 4403, "not allowed");
  const other = await connect(t, version, server, { name, query: { token: "good" } });
  assert.equal(await other.call("increment"), 1);
});

each(test, "S21 a call made before the refusal is rejected, not lost", async (t, version) => {
  const client = open(t, version, server, {
    name: uniqueName(),
    query: { token: "bad" },
  });
  await assert.rejects(settled(client.call("increment"), "the rejection"), {
    message: "Connection closed",
  });
});

each(test, "S21 closing in the connect hook with 1008 or 4001 is final", async (t, version) => {
  await Promise.all(
    [
      [1008, "policy"],
      [4001, "Unauthorized"],
    ].map(async ([code, reason]) => {
      const client = open(t, version, server, {
        name: uniqueName(),
        query: { close: String(code), reason },
      });
      await endsForGood(client, code, reason);
    }),
  );
});

each(test, "S30 the agent closes its caller: code and reason arrive, final and retryable", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  client.call("closeMe", [4999, "ü go away"]).catch(() => {});
  await endsForGood(client, 4999, "ü go away");

  const comesBack = await connect(t, version, server, { name });
  comesBack.call("closeMe", [3001, "see you"]).catch(() => {});
  await until(() => comesBack.log.opens === 2, "the reconnect");
  assert.equal(comesBack.log.closes[0].code, 3001);
  assert.equal(comesBack.log.closes[0].reason, "see you");
  assert.deepEqual(comesBack.log.connectionErrors, []);
  await settled(comesBack.ready, "ready again");
  assert.equal(await comesBack.call("increment"), 1);
});

each(test, "S30 S29 what was sent before a close arrives before it", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  client.call("closeAfter", [4100, "done"]).catch(() => {});
  await until(() => client.log.closes.length, "the close");
  assert.deepEqual(
    client.log.frames.filter((f) => typeof f === "string"),
    ["one", "two", "three"],
  );
  assert.equal(client.log.closes[0].code, 4100);
});

each(test, "S30 codes and reasons that no close frame can carry are an error, not a broken frame", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  for (const [code, reason] of [
    [999, ""],
    [1004, ""],
    [1005, ""],
    [1006, ""],
    [1015, ""],
    [5000, ""],
    [4000, "x".repeat(124)],
    [4000, "ü".repeat(62)],
  ]) {
    await assert.rejects(client.call("closeMe", [code, reason]), `${code}`);
  }
  assert.equal(client.log.closes.length, 0);
  client.call("closeMe", [4000, "x".repeat(123)]).catch(() => {});
  await until(() => client.log.closes.length, "the close");
  assert.equal(client.log.closes[0].reason, "x".repeat(123));
});

each(test, "S46 too many tags: closed with 1011 and a reason; nine are fine", async (t, version) => {
  const name = uniqueName();
  const nine = await connect(t, version, server, { name, query: { tags: "9" } });
  assert.equal((await nine.call("whoami")).tags.length, 10);
  const ten = open(t, version, server, { name, query: { tags: "10" } });
  await until(() => ten.log.closes.length, "the close");
  ten.close();
  assert.equal(ten.log.closes[0].code, 1011);
  assert.notEqual(ten.log.closes[0].reason, "");
  assert.deepEqual(framesOf(ten, "cf_agent_identity"), []);
});

each(test, "S10 S61 S88 the close hook: code, reason, a clean end, and the leaver's name", async (t, version) => {
  const name = uniqueName();
  const stays = await connect(t, version, server, { name });
  const leaves = await connect(t, version, server, { name, query: { name: "ada" } });
  leaves.close(3001, "bye");
  const left = await frame(stays, (f) => f?.type === "left", "the farewell");
  assert.deepEqual(left, {
    type: "left",
    id: leaves._pk,
    name: "ada",
    code: 3001,
    reason: "bye",
    wasClean: true,
  });
  assert.deepEqual(await stays.call("closes"), [
    { id: leaves._pk, name: "ada", code: 3001, reason: "bye", clean: true },
  ]);
  assert.deepEqual(await stays.call("connectionIds", [null]), [stays._pk]);
});

each(test, "S10 the client's default close is 1000, clean, and answered", async (t, version) => {
  const name = uniqueName();
  const stays = await connect(t, version, server, { name });
  const leaves = await connect(t, version, server, { name });
  const socket = leaves._ws;
  const answered = new Promise((resolve) => {
    socket.addEventListener("close", ({ code, wasClean }) =>
      resolve({ code, wasClean }),
    );
  });
  leaves.close();
  assert.deepEqual(await settled(answered, "the answer to the close"), {
    code: 1000,
    wasClean: true,
  });
  const left = await frame(stays, (f) => f?.type === "left", "the farewell");
  assert.equal(left.code, 1000);
  assert.equal(left.wasClean, true);
});

each(test, "S10 a close without a code is (1005, '', clean) and is answered", async (t, version) => {
  const name = uniqueName();
  const stays = await connect(t, version, server, { name });
  const leaves = await connect(t, version, server, {
    name,
    shouldReconnectOnClose: () => false,
  });
  leaves._ws.close();
  await until(() => leaves.log.closes.length, "the end");
  assert.equal(leaves.log.closes[0].code, 1005);
  const left = await frame(stays, (f) => f?.type === "left", "the farewell");
  assert.deepEqual(
    [left.code, left.reason, left.wasClean],
    [1005, "", true],
  );
});

each(test, "S10 a dropped connection is (1006, not clean), once", async (t, version) => {
  const name = uniqueName();
  const stays = await connect(t, version, server, { name });
  const drops = await connect(t, version, server, {
    name,
    shouldReconnectOnClose: () => false,
  });
  drops._ws._socket.destroy();
  const left = await frame(stays, (f) => f?.type === "left", "the farewell");
  assert.equal(left.code, 1006);
  assert.equal(left.wasClean, false);
  assert.equal((await stays.call("closes")).length, 1);
});

each(test, "S138 an answer that is ready after its caller has gone does no harm", async (t, version) => {
  const name = uniqueName();
  const stays = await connect(t, version, server, { name });
  const leaves = await connect(t, version, server, { name });
  const late = leaves.call("deferredWrite", [150]);
  const rejected = assert.rejects(late, { message: "Connection closed" });
  leaves.close();
  await rejected;
  await until(() => stays.state?.count === 1, "the write that went on");
  assert.equal(await stays.call("increment"), 2);
});

each(test, "S30 a message over the limit: 1009 with a reason, and the agent goes on", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, {
    name,
    shouldReconnectOnClose: () => false,
  });
  client.send(Buffer.alloc(33 * 1024 * 1024));
  await until(() => client.log.closes.length, "the close");
  assert.equal(client.log.closes[0].code, 1009);
  assert.notEqual(client.log.closes[0].reason, "unknown reason");
  const other = await connect(t, version, server, { name });
  assert.equal(await other.call("increment"), 1);
});

each(test, "S109 the experimental second wire is refused for good, with a reason", async (t, version) => {
  const client = open(t, version, server, {
    name: uniqueName(),
    query: { __agents_transport: "capnweb" },
  });
  await until(() => client.log.connectionErrors.length, "the connection error");
  const [{ code, reason }] = client.log.connectionErrors;
  assert.equal(code, 4400);
  assert.notEqual(reason, "unknown reason");
  assert.deepEqual(client.log.frames, []);
});
