import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, example } from "../../npm/support/server.js";
import {
  VERSIONS,
  fits,
  launch,
  openBundle,
  openPage,
  screenshot,
} from "../support/browser.js";
import { parts } from "../support/parts.js";

const FOUR = ["ada", "ben", "cyd", "dot"];
const ALL = [...FOUR, "eve"];
const REFUSED = "Connection is readonly";

let browser;
let server;
let games = 0;

before(async () => {
  [browser, server] = await Promise.all([
    launch(),
    TestServer.start(example("game")),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page with a fresh game: five guests and no players. */
async function gamePage(t, url = server.url, options = {}) {
  const name = `game-${(games += 1)}`;
  const page = await openPage(t, browser, `${url}/?game=${name}`, options);
  const on = parts(page);
  for (const who of ALL) await mode(page, who, "spectator");
  return { page, name, ...on };
}

const mode = (page, who, mode) =>
  page.locator(`[data-testid="${who}-panel"][data-mode="${mode}"]`).waitFor();

const owned = (page, who, cell, seat) =>
  page.locator(`[data-testid="${who}-cell-${cell}"][data-owner="${seat}"]`).waitFor();

async function play(on, who) {
  await on.part(who, "join").click();
  await mode(on.page, who, "player");
}

test("S136 S156 S158 the game page: four play, the fifth is told that the game is full", async (t) => {
  const on = await gamePage(t);
  for (const who of FOUR) await play(on, who);
  await on.part("eve", "join").click();
  await on.shows("eve", "notice", "Game is full");
  await mode(on.page, "eve", "spectator");
  for (const [seat, who] of FOUR.entries()) {
    await on.page.getByTestId(`${who}-cell-${seat}`).click();
    for (const other of ALL) await owned(on.page, other, seat, seat);
  }
  await screenshot(on.page, "game");
  // The next spectator gets a seat that was given back.
  await on.part("ada", "watch").click();
  await mode(on.page, "ada", "spectator");
  await play(on, "eve");
  await on.has("ben", "seats", "Eve");
});

test("S118 S147 S158 the game page: a spectator's move is refused, and buttons follow the right", async (t) => {
  const on = await gamePage(t);
  assert.equal(await on.part("eve", "restart").isDisabled(), true);
  await on.page.getByTestId("eve-cell-7").click();
  await on.shows("eve", "notice", REFUSED);
  await play(on, "eve");
  assert.equal(await on.part("eve", "restart").isDisabled(), false);
  await on.page.getByTestId("eve-cell-7").click();
  await owned(on.page, "ada", 7, 0);
  await on.shows("eve", "notice", "");
  await play(on, "ada");
  await on.page.getByTestId("ada-cell-7").click();
  await on.shows("ada", "notice", "this cell is taken");
  await screenshot(on.page, "game-taken");
});

test("S125 S160 the game page: players come back to their seats after a restart, spectators do not become players", async (t) => {
  const own = await TestServer.start(example("game"));
  t.after(() => own.stop());
  const on = await gamePage(t, own.url);
  await play(on, "ada");
  await on.page.getByTestId("ada-cell-3").click();
  await owned(on.page, "ben", 3, 0);
  await own.kill();
  await on.status("ada", "lost");
  await own.startAgain();
  for (const who of ALL) await on.status(who, "open");
  await mode(on.page, "ada", "player");
  await on.page.getByTestId("ada-cell-4").click();
  for (const who of ALL) {
    await owned(on.page, who, 3, 0);
    await owned(on.page, who, 4, 0);
  }
  await on.page.getByTestId("ben-cell-5").click();
  await on.shows("ben", "notice", REFUSED);
});

test("S110 the game page fits 1280x800 without scrolling, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const on = await gamePage(t, server.url, { colorScheme });
    for (const who of FOUR) await play(on, who);
    await on.part("eve", "join").click();
    await on.shows("eve", "notice", "Game is full");
    assert.equal(await fits(on.page), true, colorScheme);
    await screenshot(on.page, `game-${colorScheme}`);
  }
});

for (const version of VERSIONS) {
  test(`S117 S141 S143 S157 in Chromium the npm client plays and watches [${version.label}]`, async (t) => {
    const page = await openBundle(t, browser, `${server.url}/`, "client.js", version);
    const result = await page.evaluate(async (name) => {
      const agent = "BoardGame";
      const player = test.open("player", { agent, name, query: { name: "Ada" } });
      const spectator = test.open("spectator", { agent, name, query: { name: "Ben" } });
      await Promise.all([player.ready, spectator.ready]);
      const joined = await player.call("joinAsPlayer");
      await player.call("claim", [0]);
      const refused = await spectator.call("claim", [1]).catch((error) => error.message);
      spectator.setState({ players: [], cells: [] });
      player.setState({ players: [], cells: [] });
      return {
        joined,
        refused,
        mine: await player.call("getMyPermissions"),
        theirs: await spectator.call("getMyPermissions"),
        ids: [player._pk, spectator._pk],
        errors: [test.log("spectator").stateErrors, test.log("player").stateErrors],
      };
    }, `npm-${version.label}`);
    assert.deepEqual(result, {
      joined: { mode: "player" },
      refused: REFUSED,
      mine: { canEdit: true, connectionId: result.ids[0] },
      theirs: { canEdit: false, connectionId: result.ids[1] },
      ids: result.ids,
      errors: [[REFUSED], ["State update rejected"]],
    });
  });
}
