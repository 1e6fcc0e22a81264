import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, example } from "../../npm/support/server.js";
import { fits, launch, openPage, screenshot } from "../support/browser.js";

const REFUSED = "Connection is readonly";
const LIMIT = { timeout: 10_000 };

let browser;
let server;
let games = 0;

before(async () => {
  [browser, server] = await Promise.all([launch(), TestServer.start(example("game-react"))]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Registers the same tests for both pages: one uses the hook of the npm package, the other uses ours. */
function each(title, body) {
  for (const [hook, file] of [["official", ""], ["ours", "ours.html"]]) {
    test(`${title} [${hook}]`, async (t) => {
      const game = `react-${(games += 1)}`;
      const guest = async (name, { url = server.url, ...options } = {}) => {
        const page = await openPage(t, browser, `${url}/${file}?name=${name}&game=${game}`, options);
        await mode(page, "spectator");
        return page;
      };
      await body(guest, t, { game, hook, file });
    });
  }
}

const mode = (page, mode) =>
  page.locator(`[data-testid="table"][data-mode="${mode}"]`).waitFor(LIMIT);
const status = (page, status) =>
  page.locator(`[data-testid="table"][data-status="${status}"]`).waitFor(LIMIT);
const owned = (page, cell, seat) =>
  page.locator(`[data-testid="cell-${cell}"][data-owner="${seat}"]`).waitFor(LIMIT);
const toast = (page, text) =>
  page.getByTestId("toasts").locator("li", { hasText: text }).first().waitFor(LIMIT);
const click = (page, name) => page.getByRole("button", { name, exact: true }).click();
const isDisabled = (page, name) => page.getByRole("button", { name, exact: true }).isDisabled();

async function play(page) {
  await click(page, "Play");
  await mode(page, "player");
}

each("S110 S136 S158 the React game: four play, the fifth is told that the game is full", async (guest, t, { hook }) => {
  const players = [];
  for (const name of ["Ada", "Ben", "Cyd", "Dot"]) players.push(await guest(name));
  for (const page of players) await play(page);
  const eve = await guest("Eve");
  await click(eve, "Play");
  await toast(eve, "Game is full");
  for (const [seat, page] of players.entries()) {
    await page.getByTestId(`cell-${seat}`).click();
    for (const other of [...players, eve]) await owned(other, seat, seat);
  }
  await screenshot(eve, `game-react-${hook}`);
  await click(players[0], "Watch");
  await mode(players[0], "spectator");
  await play(eve);
  await players[1].getByTestId("seats").filter({ hasText: "Eve" }).waitFor(LIMIT);
});

each("S142 S147 S158 the React game: buttons follow the right, a refusal is a toast that goes", async (guest) => {
  const [ada, ben] = [await guest("Ada"), await guest("Ben")];
  assert.equal(await isDisabled(ben, "New game"), true);
  await ben.getByTestId("cell-7").click();
  await toast(ben, REFUSED);
  await play(ben);
  assert.equal(await isDisabled(ben, "New game"), false);
  assert.equal(await isDisabled(ben, "Play"), true);
  await ben.getByTestId("cell-7").click();
  await owned(ada, 7, 0);
  await play(ada);
  await ada.getByTestId("cell-7").click();
  await toast(ada, "this cell is taken");
  await click(ada, "New game");
  await ben.locator('[data-testid="cell-7"]:not([data-owner])').waitFor(LIMIT);
  await ben.getByTestId("toasts").locator("li").waitFor({ state: "detached", ...LIMIT });
});

each("S125 the React game: players come back to their seats after a restart", async (guest, t) => {
  const own = await TestServer.start(example("game-react"));
  t.after(() => own.stop());
  const [ada, ben] = [await guest("Ada", { url: own.url }), await guest("Ben", { url: own.url })];
  await play(ada);
  await ada.getByTestId("cell-3").click();
  await owned(ben, 3, 0);
  await own.kill();
  for (const page of [ada, ben]) await status(page, "lost");
  await own.startAgain();
  for (const page of [ada, ben]) await status(page, "open");
  await mode(ada, "player");
  await mode(ben, "spectator");
  await ada.getByTestId("cell-4").click();
  for (const page of [ada, ben]) for (const cell of [3, 4]) await owned(page, cell, 0);
});

each("S21 the React game: a name that is too long is refused, and the reason is shown", async (guest, t, { game, file }) => {
  const page = await openPage(t, browser, `${server.url}/${file}?name=${"x".repeat(21)}&game=${game}`);
  await status(page, "refused");
  await toast(page, "a name of 1 to 20 characters is required");
});

each("S110 the React game asks for a name, and fits 1280x800", async (guest, t, { game, hook, file }) => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await openPage(t, browser, `${server.url}/${file}?game=${game}`, { colorScheme });
    await page.getByLabel("Who are you?").fill("Ada");
    await click(page, "Come in");
    await status(page, "open");
    await play(page);
    assert.equal(await fits(page), true, colorScheme);
    await screenshot(page, `game-react-${hook}-${colorScheme}`);
    await click(page, "Watch");
  }
});
