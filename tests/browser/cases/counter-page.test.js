import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, example } from "../../npm/support/server.js";
import {
  VERSIONS,
  bundle,
  fits,
  launch,
  openPage,
  screenshot,
} from "../support/browser.js";
import { parts } from "../support/parts.js";

let browser;
let server;
let rooms = 0;

before(async () => {
  [browser, server] = await Promise.all([
    launch(),
    TestServer.start(example("counter")),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page with a fresh counter and waits until all three clients are connected. */
async function counterPage(t, options) {
  const room = `counter-${(rooms += 1)}`;
  const page = await openPage(t, browser, `${server.url}/?room=${room}`, options);
  const { part, shows, status } = parts(page);
  for (const who of ["ada", "ben", "cyd"]) await status(who, "open");
  return { page, room, part, shows, status };
}

test("S79 S111 the counter page: a call by one client shows at all three", async (t) => {
  const { page, part, shows } = await counterPage(t);
  await part("ada", "increment").click();
  await part("ada", "increment").click();
  // Calls of different connections have no order.
  await shows("ben", "count", "2");
  await part("ben", "decrement").click();
  for (const who of ["ada", "ben", "cyd"]) {
    await shows(who, "count", "1");
    await shows(who, "last-by", "Ben");
  }
  await screenshot(page, "counter");
  await part("ben", "reset").click();
  for (const who of ["ada", "ben", "cyd"]) await shows(who, "count", "0");
});

test("S111 S145 the counter page: a pushed state reaches the others, a wrong one is refused and taken back", async (t) => {
  const { part, shows } = await counterPage(t);
  await part("ada", "push-value").fill("42");
  await part("ada", "push").click();
  for (const who of ["ada", "ben", "cyd"]) await shows(who, "count", "42");
  await part("ben", "push-value").fill("101");
  await part("ben", "push").click();
  await shows("ben", "notice", "push refused: State update rejected");
  for (const who of ["ada", "ben", "cyd"]) await shows(who, "count", "42");
});

test("S114 S117 S118 S143 the counter page: the read-only client is refused on both paths and sees updates", async (t) => {
  const { page, part, shows } = await counterPage(t);
  await part("cyd", "increment").click();
  await shows("cyd", "notice", "increment refused: Connection is readonly");
  await part("cyd", "push-value").fill("7");
  await part("cyd", "push").click();
  await shows("cyd", "notice", "push refused: Connection is readonly");
  await shows("cyd", "count", "0");
  await part("ada", "increment").click();
  await shows("cyd", "count", "1");
  await screenshot(page, "counter-readonly");
});

test("S112 the counter page: a stream, also for the read-only client", async (t) => {
  const { page, part, shows } = await counterPage(t);
  await part("cyd", "countdown").click();
  await part("ada", "countdown").click();
  await part("ada", "increment").click();
  await shows("ben", "count", "1");
  await shows("cyd", "chunks", "5 4 3 2 1 lift-off");
  await shows("ada", "chunks", "5 4 3 2 1 lift-off");
  await screenshot(page, "counter-stream");
});

test("S38 S41 S59 the counter page: a wave reaches all, bytes are counted", async (t) => {
  const { part, shows } = await counterPage(t);
  await part("ada", "wave").click();
  await shows("ada", "notice", "Ada waves (from me)");
  const notice = part("ben", "notice").filter({ hasText: /^Ada waves \(from \w+\)$/ });
  await notice.waitFor();
  assert.doesNotMatch(await notice.textContent(), /from me/);
  await part("cyd", "upload").click();
  await shows("cyd", "notice", "the agent received 5 bytes");
});

test("S10 S92 the counter page: a client that left gets the state of today when it is back", async (t) => {
  const { part, shows, status } = await counterPage(t);
  await part("ben", "toggle").click();
  await status("ben", "closed");
  await part("ada", "increment").click();
  await shows("ada", "count", "1");
  await shows("ben", "count", "0");
  await part("ben", "toggle").click();
  await status("ben", "open");
  await shows("ben", "count", "1");
});

test("S102 the counter page outlives a killed server", async (t) => {
  const own = await TestServer.start(example("counter"));
  t.after(() => own.stop());
  const page = await openPage(t, browser, `${own.url}/?room=kept`);
  const { part, shows, status } = parts(page);
  for (const who of ["ada", "ben", "cyd"]) await status(who, "open");
  await part("ada", "increment").click();
  await shows("cyd", "count", "1");
  await own.kill();
  await status("ada", "lost");
  await own.startAgain();
  for (const who of ["ada", "ben", "cyd"]) await status(who, "open");
  await part("ben", "increment").click();
  for (const who of ["ada", "ben", "cyd"]) await shows(who, "count", "2");
});

for (const version of VERSIONS) {
  test(`S109 the counter page and the npm client on one agent [${version.label}]`, async (t) => {
    const { page, room, part, shows } = await counterPage(t);
    await page.addScriptTag({ content: await bundle("client.js", version) });
    await page.evaluate(
      (name) => test.open("npm", { agent: "Counter", name, query: { user: "Npm" } }).ready,
      room,
    );
    assert.equal(await page.evaluate(() => test.client("npm").call("increment", [5])), 5);
    await shows("ada", "count", "5");
    await shows("ada", "last-by", "Npm");
    await part("ada", "decrement").click();
    await page.waitForFunction(() => test.client("npm").state?.count === 4);
  });
}

test("S110 the counter page fits 1280x800 without scrolling, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await counterPage(t, { colorScheme });
    assert.equal(await fits(page), true, colorScheme);
    await screenshot(page, `counter-${colorScheme}`);
  }
});
