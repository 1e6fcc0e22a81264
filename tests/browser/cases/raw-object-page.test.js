import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, example } from "../../npm/support/server.js";
import { fits, launch, openPage, screenshot } from "../support/browser.js";
import { parts } from "../support/parts.js";

const ALL = ["ada", "ben", "cyd"];

let browser;
let server;
let houses = 0;

before(async () => {
  [browser, server] = await Promise.all([
    launch(),
    TestServer.start(example("raw-object")),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page with a fresh house: Ada and Ben in one room, Cyd in another. */
async function housePage(t, url = server.url, options = {}) {
  const house = `house-${(houses += 1)}`;
  const page = await openPage(t, browser, `${url}/?house=${house}`, options);
  const on = parts(page);
  for (const who of ALL) await on.status(who, "open");
  await on.has("ada", "guests", "Ben");
  return { page, house, ...on, ...life(page) };
}

/** Returns the row about the object. */
function life(page) {
  const number = async (name) => parseFloat(await page.getByTestId(`life-${name}`).textContent());
  return {
    number,
    awake: (awake) =>
      page.locator(`#life[data-awake="${awake}"]`).waitFor({ timeout: 15_000 }),
    /** Waits until the number is `value`. */
    counts: (name, value) =>
      page.getByTestId(`life-${name}`).filter({ hasText: new RegExp(`^${value}$`) }).waitFor({ timeout: 10_000 }),
  };
}

async function say(on, who, text) {
  await on.part(who, "text").fill(text);
  await on.part(who, "post").click();
}

test("the raw object page: a post reaches its room, the sender included, and no other room", async (t) => {
  const on = await housePage(t);
  await say(on, "ada", "hello <b>there</b> & ü 🦀");
  await say(on, "cyd", "is Dot in the garden?");
  for (const who of ["ada", "ben"]) await on.has(who, "log", "Ada hello <b>there</b> & ü 🦀");
  await on.has("cyd", "log", "Cyd is Dot in the garden?");
  assert.doesNotMatch(await on.part("cyd", "log").textContent(), /hello/);
  assert.doesNotMatch(await on.part("ben", "log").textContent(), /garden/);
  await on.counts("sockets", "3");
  await screenshot(on.page, "raw-object");
});

test("the raw object page: asleep with open sockets, pings do not wake it, a post does", async (t) => {
  const on = await housePage(t);
  await on.awake(true);
  await on.awake(false);
  assert.equal(await on.number("sockets"), 3);
  const wakes = await on.number("wakes");
  for (const who of ALL) {
    await on.part(who, "ping").click();
    await on.has(who, "notice", "the object still sleeps");
  }
  await on.counts("received", "3");
  assert.equal(await on.number("wakes"), wakes);
  await screenshot(on.page, "raw-object-asleep");

  await say(on, "ben", "good morning");
  await on.has("ada", "log", "Ben good morning");
  await on.awake(true);
  await on.counts("wakes", String(wakes + 1));
  await screenshot(on.page, "raw-object-awake");

  // Names come from the attachments and rooms from the tags. Both survive hibernation.
  await on.awake(false);
  await on.part("ada", "leave").click();
  await on.status("ada", "closed");
  await on.has("ben", "log", "Ada left");
  assert.equal((await on.part("ben", "guests").textContent()).trim(), "Ben");
});

test("the raw object page: the alarm wakes it for the digest", async (t) => {
  const on = await housePage(t);
  await say(on, "ada", "one");
  await say(on, "ben", "two");
  await on.has("ada", "log", "Ben two");
  await on.awake(false);
  const wakes = await on.number("wakes");
  await on
    .part("ada", "log")
    .filter({ hasText: "digest: 2 posts by 2 guests" })
    .waitFor({ timeout: 30_000 });
  await on.counts("wakes", String(wakes + 1));
  assert.doesNotMatch(await on.part("cyd", "log").textContent(), /digest/);
  await on.awake(false);
  await screenshot(on.page, "raw-object-digest");
});

test("the raw object page: a bad name is refused with a code and a text", async (t) => {
  const on = await housePage(t);
  await on.part("cyd", "leave").click();
  await on.status("cyd", "closed");
  for (const name of ["", "two words", "x".repeat(21)]) {
    await on.part("cyd", "name").fill(name);
    await on.part("cyd", "join").click();
    await on.status("cyd", "refused");
    await on.shows("cyd", "notice", "refused: 4400 a name has 1 to 20 letters or digits");
  }
  await screenshot(on.page, "raw-object-refused");
  await on.part("cyd", "name").fill("Dot");
  await on.part("cyd", "room").selectOption("general");
  await on.part("cyd", "join").click();
  await on.status("cyd", "open");
  await on.has("ada", "log", "Dot came in");
  await on.has("ada", "guests", "Dot");
});

test("the raw object page: a plain request tells who is there and what was said", async (t) => {
  const on = await housePage(t);
  await say(on, "ada", "it's'); DROP TABLE posts; --");
  await on.has("ben", "log", "DROP TABLE");
  const address = `${server.url}/agents/house/${on.house}`;
  const general = await (await fetch(address)).json();
  assert.equal(general.room, "general");
  assert.deepEqual(general.guests.map(({ name }) => name), ["Ada", "Ben"]);
  assert.deepEqual(general.posts.map(({ author, body }) => [author, body]), [
    ["Ada", "it's'); DROP TABLE posts; --"],
  ]);
  assert.ok(general.digestAt > Date.now() && general.digestAt < Date.now() + 16_000);
  const garden = await (await fetch(`${address}?room=garden`)).json();
  assert.deepEqual(garden.guests.map(({ name }) => name), ["Cyd"]);
  assert.deepEqual(garden.posts, []);
  assert.equal((await fetch(`${address}?room=no/room`)).status, 404);
});

test("the raw object page: the history comes from disk, also after a kill", async (t) => {
  const own = await TestServer.start(example("raw-object"));
  t.after(() => own.stop());
  const on = await housePage(t, own.url);
  await say(on, "ada", "remember this");
  await on.has("ben", "log", "remember this");
  await own.kill();
  await on.status("ada", "closed");
  await own.startAgain();
  await on.part("ada", "join").click();
  await on.status("ada", "open");
  await on.has("ada", "log", "Ada remember this");
});

test("the raw object page fits 1280x800 without scrolling, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const on = await housePage(t, server.url, { colorScheme });
    await say(on, "ada", "a message");
    await on.has("ben", "log", "a message");
    assert.equal(await fits(on.page), true, colorScheme);
    await screenshot(on.page, `raw-object-${colorScheme}`);
  }
});
