import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  connect,
  drained,
  each,
  framesOf,
  open,
  uniqueName,
  until,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

const REFUSED = "Connection is readonly";

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

/** Opens a viewer and an editor of one fresh agent. */
async function pair(t, version) {
  const name = uniqueName();
  const editor = await connect(t, version, server, { name });
  const viewer = await connect(t, version, server, {
    name,
    query: { mode: "view" },
  });
  await drained(editor);
  await drained(viewer);
  return { name, editor, viewer };
}

each(test, "S117 S140 S141 S144 a viewer's push is refused, nothing changes, no other client gets a frame", async (t, version) => {
  const { editor, viewer } = await pair(t, version);
  const before = editor.log.frames.length;
  viewer.setState({ count: 5 });
  await until(() => viewer.log.stateErrors.length, "the refusal");
  assert.deepEqual(viewer.log.stateErrors, [REFUSED]);
  assert.deepEqual(framesOf(viewer, "cf_agent_state_error"), [
    { type: "cf_agent_state_error", error: REFUSED },
  ]);
  assert.equal(await editor.call("getCount"), 0);
  assert.deepEqual(
    editor.log.frames.slice(before).map(({ type }) => type),
    ["rpc"],
  );
});

each(test, "S145 read-only is said before validation", async (t, version) => {
  const { viewer } = await pair(t, version);
  viewer.setState({ count: -5 });
  await until(() => viewer.log.stateErrors.length, "the refusal");
  assert.deepEqual(viewer.log.stateErrors, [REFUSED]);
});

each(test, "S118 S143 S144 S169 a write inside a call is refused, however it is made", async (t, version) => {
  const { editor, viewer } = await pair(t, version);
  const before = editor.log.frames.length;
  for (const [method, args] of [
    ["increment", []],
    ["decrement", []],
    ["setCount", [4]],
    ["burst", [2]],
    ["deferredWrite", [20]],
  ]) {
    await assert.rejects(viewer.call(method, args), { message: REFUSED }, method);
  }
  assert.equal(await editor.call("getCount"), 0);
  assert.deepEqual(
    editor.log.frames.slice(before).map(({ type }) => type),
    ["rpc"],
  );
});

each(test, "S170 a write of an editor goes through while a viewer's call waits", async (t, version) => {
  const { editor, viewer } = await pair(t, version);
  const refused = assert.rejects(viewer.call("deferredWrite", [100]), {
    message: REFUSED,
  });
  assert.equal(await editor.call("deferredWrite", [50]), 1);
  await refused;
  assert.equal(await viewer.call("getCount"), 1);
});

each(test, "S115 S116 a viewer gets updates and may call what does not write", async (t, version) => {
  const { editor, viewer } = await pair(t, version);
  await editor.call("setCount", [8]);
  await until(() => viewer.state?.count === 8, "the update");
  assert.equal(await viewer.call("getCount"), 8);
  assert.equal(await viewer.call("sum", [1, 1]), 2);
  editor.setState({ count: 9 });
  await until(() => viewer.state?.count === 9, "the pushed state");
});

each(test, "S123 S124 S151 the hook decides by the query; without it connections write", async (t, version) => {
  const { editor, viewer } = await pair(t, version);
  assert.equal((await editor.call("whoami")).readonly, false);
  assert.equal((await viewer.call("whoami")).readonly, true);
});

each(test, "S126 S129 read-only from the very first frame, and already in the connect hook", async (t, version) => {
  const viewer = open(t, version, server, {
    name: uniqueName(),
    query: { mode: "view", greet: "1" },
  });
  viewer.setState({ count: 1 });
  await until(() => viewer.log.stateErrors.length, "the refusal");
  assert.deepEqual(viewer.log.stateErrors, [REFUSED]);
  assert.equal(framesOf(viewer, "greeting")[0].readonly, true);
  assert.equal(await viewer.call("getCount"), 0);
});

each(test, "S127 S128 S137 the flag can be set and cleared at any time", async (t, version) => {
  const { editor } = await pair(t, version);
  await editor.call("setReadonly", [true]);
  await assert.rejects(editor.call("increment"), { message: REFUSED });
  editor.setState({ count: 3 });
  await until(() => editor.log.stateErrors.length, "the refusal");
  await editor.call("setReadonly", [false]);
  assert.equal(await editor.call("increment"), 1);
});

each(test, "S127 S180 one connection can lock another, and only that one", async (t, version) => {
  const { name, editor, viewer } = await pair(t, version);
  const third = await connect(t, version, server, { name });
  assert.equal(await editor.call("setReadonlyOf", [third._pk, true]), true);
  assert.equal(await editor.call("setReadonlyOf", [viewer._pk, false]), true);
  assert.equal(await editor.call("setReadonlyOf", ["unknown", true]), false);
  await assert.rejects(third.call("increment"), { message: REFUSED });
  assert.equal(await viewer.call("increment"), 1);
  assert.equal(await editor.call("increment"), 2);
});

each(test, "S125 the hook runs again for a new connection", async (t, version) => {
  const { viewer } = await pair(t, version);
  await viewer.call("setReadonly", [false]);
  assert.equal(await viewer.call("increment"), 1);
  viewer.reconnect();
  await until(() => viewer.log.opens === 2, "the second open");
  await assert.rejects(viewer.call("increment"), { message: REFUSED });
});

each(test, "S161 S162 the connection's own state does not touch the flag", async (t, version) => {
  const { viewer } = await pair(t, version);
  await viewer.call("setName", ["_cf_readonly"]);
  const who = await viewer.call("whoami");
  assert.equal(who.name, "_cf_readonly");
  assert.equal(who.readonly, true);
  await assert.rejects(viewer.call("increment"), { message: REFUSED });
});

each(test, "S167 S171 effects before a refused write stay; callable(write) refuses before the body", async (t, version) => {
  const { editor, viewer } = await pair(t, version);
  await assert.rejects(viewer.call("sideEffect"), { message: REFUSED });
  assert.equal(await editor.call("effects"), 1);
  await assert.rejects(viewer.call("guardedEffect"), { message: REFUSED });
  assert.equal(await editor.call("effects"), 1);
  assert.equal(await editor.call("guardedEffect"), 1);
  assert.equal(await editor.call("effects"), 2);
});

each(test, "S163 S181 read-only and without protocol frames at once", async (t, version) => {
  const name = uniqueName();
  const silent = open(t, version, server, {
    name,
    query: { mode: "view", "no-protocol": "1" },
  });
  await assert.rejects(silent.call("increment"), { message: REFUSED });
  const who = await silent.call("whoami");
  assert.deepEqual([who.readonly, who.protocol], [true, false]);
  assert.deepEqual(new Set(silent.log.frames.map(({ type }) => type)), new Set(["rpc"]));
});
