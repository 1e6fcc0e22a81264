import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { connect, each, uniqueName } from "../support/client.js";
import { TestServer } from "../support/server.js";

const REFUSED = "Connection is readonly";

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

function join(t, version, name, role) {
  return connect(t, version, server, {
    agent: "TestGame",
    name,
    query: role ? { role } : {},
  });
}

each(test, "S116 S139 getPermissions answers viewers too", async (t, version) => {
  const name = uniqueName();
  const guest = await join(t, version, name, "guest");
  const editor = await join(t, version, name, "editor");
  assert.deepEqual(await guest.call("getPermissions"), { canEdit: false });
  assert.deepEqual(await editor.stub.getPermissions(), { canEdit: true });
});

each(test, "S157 getMyPermissions says who asks", async (t, version) => {
  const viewer = await join(t, version, uniqueName(), "viewer");
  assert.deepEqual(await viewer.call("getMyPermissions"), {
    canEdit: false,
    connectionId: viewer._pk,
  });
});

each(test, "S152 upgradeToEditor: both branches", async (t, version) => {
  const viewer = await join(t, version, uniqueName(), "viewer");
  await assert.rejects(viewer.call("upgradeToEditor", ["wrong"]), {
    message: "Insufficient permissions",
  });
  await assert.rejects(viewer.call("setPlayers", [["x"]]), { message: REFUSED });
  assert.deepEqual(await viewer.call("upgradeToEditor", ["let me in"]), {
    success: true,
  });
  await viewer.call("setPlayers", [["x"]]);
  assert.deepEqual(viewer.state, { players: ["x"] });
});

each(test, "S136 S156 spectators and players: the fifth player is told that the game is full", async (t, version) => {
  const name = uniqueName();
  const players = [];
  for (let i = 0; i < 4; i += 1) {
    const player = await join(t, version, name);
    assert.deepEqual(await player.call("startSpectating"), { mode: "spectator" });
    await assert.rejects(player.call("setPlayers", [[]]), { message: REFUSED });
    assert.deepEqual(await player.call("joinAsPlayer"), { mode: "player" });
    players.push(player);
  }
  const fifth = await join(t, version, name, "viewer");
  await assert.rejects(fifth.call("joinAsPlayer"), { message: "Game is full" });
  assert.deepEqual(await fifth.call("getPermissions"), { canEdit: false });
  assert.deepEqual(
    players[0].state.players,
    players.map((player) => player._pk),
  );
});
