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

const ALL = ["ada", "ben", "cyd"];
const REFUSED = "Connection is readonly";

let browser;
let server;
let boards = 0;

before(async () => {
  [browser, server] = await Promise.all([
    launch(),
    TestServer.start(example("dashboard")),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page with a fresh board. No client has signed in. */
async function dashboard(t, options = {}) {
  const name = `board-${(boards += 1)}`;
  const page = await openPage(t, browser, `${server.url}/?board=${name}`, options);
  const on = parts(page);
  for (const who of ALL) await on.shows(who, "role", "watches");
  const health = (who, service, value) =>
    page.locator(`[data-testid="${who}-service-${service}"][data-health="${value}"]`).waitFor();
  const choose = (who, service, value) =>
    page.getByTestId(`${who}-health-${service}`).selectOption(value);
  return { page, name, health, choose, ...on };
}

async function signIn(on, who, password = "swordfish") {
  await on.part(who, "password").fill(password);
  await on.part(who, "login").click();
}

test("S122 S153 S176 the dashboard page: who signs in writes, the others see it", async (t) => {
  const on = await dashboard(t);
  await signIn(on, "ada");
  await on.shows("ada", "role", "admin Ada");
  await on.choose("ada", "mail", "down");
  // The announcement is a push of the whole state: it must contain the change of the call.
  await on.health("ada", "mail", "down");
  await on.part("ada", "text").fill("mail is back at noon");
  await on.part("ada", "announce").click();
  for (const who of ALL) {
    await on.health(who, "mail", "down");
    await on.shows(who, "banner", "mail is back at noon");
    await on.has(who, "log", "Ada announced: mail is back at noon");
  }
  await screenshot(on.page, "dashboard");
});

test("S117 S118 S178 the dashboard page: a visitor's push, call and note are refused, and logged", async (t) => {
  const on = await dashboard(t);
  await on.choose("ben", "web", "slow");
  await on.shows("ben", "notice", `web: ${REFUSED}`);
  await on.part("ben", "text").fill("mine");
  await on.part("ben", "announce").click();
  await on.shows("ben", "notice", `announcement: ${REFUSED}`);
  await on.part("ben", "text").fill("mine");
  await on.part("ben", "note").click();
  await on.shows("ben", "notice", `note: ${REFUSED}`);
  for (const who of ALL) {
    await on.health(who, "web", "up");
    await on.shows(who, "banner", "All is quiet.");
    await on.page.waitForFunction(
      (id) => document.getElementById(id).children.length === 3,
      `${who}-log`,
    );
    await on.has(who, "log", "a visitor was refused: the state is not theirs to write");
    await on.has(who, "log", "a visitor was refused: the log is not theirs to write");
  }
  await screenshot(on.page, "dashboard-refused");
});

test("S176 S21 the dashboard page: a wrong password, a sign-in, a sign-out", async (t) => {
  const on = await dashboard(t);
  await signIn(on, "cyd", "guess");
  await on.shows("cyd", "notice", "sign in: wrong password");
  await signIn(on, "cyd");
  await on.shows("cyd", "role", "admin Cyd");
  await on.choose("cyd", "web", "slow");
  await on.health("ada", "web", "slow");
  await on.part("cyd", "logout").click();
  await on.shows("cyd", "role", "watches");
  await on.choose("cyd", "web", "up");
  await on.shows("cyd", "notice", `web: ${REFUSED}`);
  await on.health("ada", "web", "slow");
});

test("S110 the dashboard page fits 1280x800 without scrolling, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const on = await dashboard(t, { colorScheme });
    assert.equal(await fits(on.page), true, colorScheme);
    await screenshot(on.page, `dashboard-${colorScheme}`);
  }
});

for (const version of VERSIONS) {
  test(`S113 S141 S143 S21 in Chromium the npm client watches, signs in and is refused [${version.label}]`, async (t) => {
    const page = await openBundle(t, browser, `${server.url}/`, "client.js", version);
    const result = await page.evaluate(async (name) => {
      const agent = "StatusBoard";
      const signedIn = await fetch("/login", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "Ada", password: "swordfish" }),
      });
      const { token } = await signedIn.json();
      const admin = test.open("admin", { agent, name, query: { token } });
      const visitor = test.open("visitor", { agent, name });
      const forger = test.open("forger", { agent, name, query: { token: `${token}x` } });
      await Promise.all([admin.ready, visitor.ready]);
      await admin.call("setHealth", ["web", "down"]);
      const refused = await visitor.call("setHealth", ["web", "up"]).catch((e) => e.message);
      visitor.setState({ services: {}, announcement: "mine" });
      const who = await visitor.call("whoAmI");
      const deadline = Date.now() + 5000;
      while (!test.log("forger").connectionErrors.length && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return {
        refused,
        who,
        stateErrors: test.log("visitor").stateErrors,
        closed: test.log("forger").connectionErrors,
        frames: test.log("forger").frames,
        web: admin.state.services.web,
      };
    }, `npm-${version.label}`);
    assert.deepEqual(result, {
      refused: REFUSED,
      who: { admin: null },
      stateErrors: [REFUSED],
      closed: [{ code: 4401, reason: "the token is not valid" }],
      frames: [],
      web: "down",
    });
  });
}
