// The examples of read-only connections, driven by the unmodified npm client.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { connect, each, open, settled, uniqueName, until } from "../support/client.js";
import { TestServer, example } from "../support/server.js";

const REFUSED = "Connection is readonly";

/** Waits for a final close: `onConnectionError` once, pending calls rejected, no further attempt. */
async function closedFor(client, code, reason) {
  await until(() => client.log.connectionErrors.length, "the connection error");
  const [error] = client.log.connectionErrors;
  assert.deepEqual([error.code, error.reason], [code, reason]);
  assert.deepEqual(client.log.frames, []);
  assert.equal(client.log.attempts.length, 1);
}

function serve(name) {
  const running = {};
  before(async () => {
    running.server = await TestServer.start(example(name));
  });
  after(() => running.server.stop());
  return running;
}

describe("docs", () => {
  const running = serve("docs");
  const join = (t, version, name, query) =>
    connect(t, version, running.server, { agent: "SharedDocument", name, query });

  each(test, "S114 S117 S118 S141 S143 S145 S177 editors write, viewers are refused, the audit table has it all", async (t, version) => {
    const name = uniqueName();
    const editor = await join(t, version, name, { name: "Ada", role: "editor" });
    const viewer = await join(t, version, name, { name: "Ben" });
    await editor.call("rename", ["Title"]);
    editor.setState({ title: "Title", text: "first" });
    await until(() => viewer.state?.text === "first", "the pushed state");
    viewer.setState({ title: "mine", text: "" });
    await until(() => viewer.log.stateErrors.length, "the refusal");
    assert.deepEqual(viewer.log.stateErrors, [REFUSED]);
    await assert.rejects(viewer.call("rename", ["mine"]), { message: REFUSED });
    editor.setState({ title: "", text: "no title" });
    await until(() => editor.log.stateErrors.length, "the rejection");
    assert.deepEqual(editor.log.stateErrors, ["State update rejected"]);
    const audit = await viewer.call("audit");
    const lines = audit.map(({ who, what, outcome }) => `${who}: ${what}: ${outcome}`);
    assert.deepEqual(
      lines.filter((line) => !line.startsWith("the agent")),
      [
        "Ada: call rename: done",
        "Ada: edit: done",
        `Ben: edit: refused: ${REFUSED}`,
        `Ben: call rename: refused: ${REFUSED}`,
        "Ada: edit: refused: a document needs a title before a text",
      ],
    );
  });

  each(test, "S137 S152 S179 locking, unlocking and becoming an editor", async (t, version) => {
    const name = uniqueName();
    const viewer = await join(t, version, name, { name: "Ben" });
    await assert.rejects(viewer.call("setMyReadonly", [false]), { message: "Insufficient permissions" });
    await assert.rejects(viewer.call("upgradeToEditor", ["guess"]), { message: "Insufficient permissions" });
    assert.deepEqual(await viewer.call("upgradeToEditor", ["open sesame"]), { success: true });
    await viewer.call("rename", ["Ours"]);
    await viewer.call("setMyReadonly", [true]);
    assert.deepEqual(await viewer.call("getPermissions"), { editor: true, canEdit: false });
    await assert.rejects(viewer.call("clear"), { message: REFUSED });
    await viewer.call("setMyReadonly", [false]);
    await viewer.call("clear");
  });

  each(test, "S21 a connection without a name is refused, and that is final", async (t, version) => {
    const client = open(t, version, running.server, { agent: "SharedDocument", name: uniqueName() });
    const early = assert.rejects(settled(client.call("getPermissions"), "the early call"), {
      message: "Connection closed",
    });
    await closedFor(client, 4401, "a name of 1 to 40 characters is required");
    await early;
  });

  each(test, "S125 S160 the rights of a connection survive no reconnect, those of the role do", async (t, version) => {
    const name = uniqueName();
    const viewer = await join(t, version, name, { name: "Ben" });
    await viewer.call("upgradeToEditor", ["open sesame"]);
    await viewer.call("rename", ["Ours"]);
    await running.server.kill();
    await running.server.startAgain();
    await until(() => viewer.log.opens === 2, "the second open");
    await assert.rejects(viewer.call("rename", ["mine"]), { message: REFUSED });
    assert.equal(viewer.state.title, "Ours");
  });
});

describe("game", () => {
  const running = serve("game");
  const join = (t, version, name, who) =>
    connect(t, version, running.server, { agent: "BoardGame", name, query: { name: who } });

  each(test, "S136 S143 S156 S157 four seats, the fifth is full, spectators are refused", async (t, version) => {
    const name = uniqueName();
    const players = [];
    for (const who of ["Ada", "Ben", "Cyd", "Dot"]) {
      const player = await join(t, version, name, who);
      assert.deepEqual(await player.call("joinAsPlayer"), { mode: "player" });
      players.push(player);
    }
    const fifth = await join(t, version, name, "Eve");
    await assert.rejects(fifth.call("joinAsPlayer"), { message: "Game is full" });
    await assert.rejects(fifth.call("claim", [0]), { message: REFUSED });
    await assert.rejects(fifth.call("restart"), { message: REFUSED });
    fifth.setState({ players: [], cells: [] });
    await until(() => fifth.log.stateErrors.length, "the refusal");
    assert.deepEqual(fifth.log.stateErrors, [REFUSED]);
    assert.deepEqual(await fifth.call("getMyPermissions"), { canEdit: false, connectionId: fifth._pk });
    assert.deepEqual(await players[0].call("startSpectating"), { mode: "spectator" });
    assert.deepEqual(await fifth.call("joinAsPlayer"), { mode: "player" });
    await fifth.call("claim", [0]);
    await assert.rejects(players[1].call("claim", [0]), { message: "this cell is taken" });
    await assert.rejects(players[1].call("claim", [36]), { message: "there is no such cell" });
  });

  each(test, "S21 a connection without a name is refused, and that is final", async (t, version) => {
    const client = open(t, version, running.server, { agent: "BoardGame", name: uniqueName() });
    await closedFor(client, 4401, "a name of 1 to 20 characters is required");
  });
});

describe("dashboard", () => {
  const running = serve("dashboard");
  const join = (t, version, name, query = {}) =>
    connect(t, version, running.server, { agent: "StatusBoard", name, query });

  async function signIn(name, password = "swordfish") {
    const answer = await fetch(`${running.server.url}/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name, password }),
    });
    return answer.ok ? (await answer.json()).token : `${answer.status} ${await answer.text()}`;
  }

  each(test, "S113 S153 S155 S176 an admin with a token writes, a visitor watches", async (t, version) => {
    const name = uniqueName();
    const visitor = await join(t, version, name);
    const admin = await join(t, version, name, { token: await signIn("Ada") });
    await admin.call("setHealth", ["web", "down"]);
    await until(() => visitor.state?.services.web === "down", "the change");
    admin.setState({ ...admin.state, announcement: "back at noon" });
    await until(() => visitor.state.announcement === "back at noon", "the push");
    await assert.rejects(visitor.call("setHealth", ["web", "up"]), { message: REFUSED });
    visitor.setState({ ...visitor.state, announcement: "never" });
    await until(() => visitor.log.stateErrors.length, "the refusal");
    assert.deepEqual(visitor.log.stateErrors, [REFUSED]);
    const log = await visitor.call("log");
    assert.deepEqual(
      log.map(({ who, what }) => `${who} ${what}`),
      [
        "Ada set web to down",
        "Ada announced: back at noon",
        "a visitor was refused: the state is not theirs to write",
        "a visitor was refused: the state is not theirs to write",
      ],
    );
  });

  each(test, "S178 strict: a visitor's note is refused though it changes no state", async (t, version) => {
    const name = uniqueName();
    const visitor = await join(t, version, name);
    const admin = await join(t, version, name, { token: await signIn("Ada") });
    await assert.rejects(visitor.call("note", ["hello"]), { message: REFUSED });
    await admin.call("note", ["hello"]);
    const log = await visitor.call("log");
    assert.deepEqual(log.map(({ what }) => what), ["was refused: the log is not theirs to write", "noted: hello"]);
  });

  each(test, "S21 S176 a bad token is refused for good, before the agent wakes", async (t, version) => {
    assert.equal(await signIn("Ada", "guess"), '401 {"code":"unauthorized","message":"wrong password"}');
    const good = await signIn("Ada");
    for (const token of ["garbage", `${good}x`, good.replace(/^[^.]*/, "eyJhbGciOiJub25lIn0")]) {
      const client = open(t, version, running.server, {
        agent: "StatusBoard",
        name: uniqueName(),
        query: { token },
      });
      await closedFor(client, 4401, "the token is not valid");
    }
  });
});
