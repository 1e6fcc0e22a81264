import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, example } from "../../npm/support/server.js";
import { fits, launch, openPage, screenshot } from "../support/browser.js";
import { parts } from "../support/parts.js";

const ALL = ["ada", "ben", "cyd"];

let browser;
let server;
let rooms = 0;

before(async () => {
  [browser, server] = await Promise.all([
    launch(),
    TestServer.start(example("chat")),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page with a fresh room and waits until all three members are connected. */
async function chatPage(t, url = server.url, options = {}) {
  const room = `chat-${(rooms += 1)}`;
  const page = await openPage(t, browser, `${url}/?room=${room}`, options);
  const on = parts(page);
  for (const who of ALL) {
    await on.status(who, "open");
    await on.has(who, "log", `you are here as ${who[0].toUpperCase()}${who.slice(1)}`);
    await present(page, who, "Cyd").waitFor();
  }
  return { page, room, ...on };
}

const present = (page, who, name) =>
  page.locator(`[data-testid="${who}-presence"] [data-user="${name}"]`);

async function say(on, who, text) {
  await on.part(who, "text").fill(text);
  await on.part(who, "post").click();
}

test("S87 S79 the chat page: a message reaches everyone, the sender included, and counts", async (t) => {
  const on = await chatPage(t);
  await say(on, "ada", "hello <b>there</b> & ü 🦀");
  await say(on, "ben", "hello Ada");
  for (const who of ALL) {
    await on.has(who, "log", "Ada hello <b>there</b> & ü 🦀");
    await on.has(who, "log", "Ben hello Ada");
    await on.shows(who, "messages", "2");
  }
  await screenshot(on.page, "chat");
});

test("S42 S40 the chat page: typing shows at the others, never at the typist", async (t) => {
  const on = await chatPage(t);
  await on.part("ada", "text").fill("I am about to");
  await on.shows("ben", "typing", "Ada is typing …");
  await on.shows("cyd", "typing", "Ada is typing …");
  assert.equal(await on.part("ada", "typing").textContent(), "");
  await screenshot(on.page, "chat-typing");
  await on.part("ada", "post").click();
  await on.shows("ben", "typing", "");
});

test("S81 S82 S83 S86 S88 the chat page: leaving and joining, told to the others", async (t) => {
  const on = await chatPage(t);
  await on.part("cyd", "leave").click();
  await on.status("cyd", "closed");
  await on.has("ada", "log", "Cyd left");
  await present(on.page, "ada", "Cyd").waitFor({ state: "detached" });
  await on.part("cyd", "name").fill("Dot");
  await on.part("cyd", "role").selectOption("moderator");
  await on.part("cyd", "join").click();
  await on.status("cyd", "open");
  await on.has("ada", "log", "Dot joined");
  await present(on.page, "ada", "Dot").filter({ hasText: "Dot · moderator" }).waitFor();
  await present(on.page, "cyd", "Ada").waitFor();
  assert.doesNotMatch(await on.part("cyd", "log").textContent(), /Dot joined/);
});

test("S20 S21 S113 the chat page: no name, no entry, and the reason is shown", async (t) => {
  const on = await chatPage(t);
  await on.part("cyd", "leave").click();
  await on.part("cyd", "name").fill("");
  await on.part("cyd", "join").click();
  await on.status("cyd", "refused");
  await on.shows(
    "cyd",
    "notice",
    "refused: a username of 1 to 40 characters is required",
  );
  await screenshot(on.page, "chat-refused");
  assert.doesNotMatch(await on.part("ada", "log").textContent(), /(undefined|null) (joined|left)/);
});

test("S44 S48 S49 the chat page: a report reaches the admins and no other member", async (t) => {
  const on = await chatPage(t);
  await on.part("cyd", "report-text").fill("Dot is rude");
  await on.part("cyd", "report").click();
  await on.has("ben", "admin-log", "Cyd Dot is rude");
  await say(on, "cyd", "after the report");
  for (const who of ["ada", "cyd"]) {
    await on.has(who, "log", "after the report");
    assert.doesNotMatch(await on.part(who, "panel").textContent(), /Dot is rude/);
  }
  await screenshot(on.page, "chat-admin");
});

test("S132 S152 the chat page: what a member may not do is refused with a text", async (t) => {
  const on = await chatPage(t);
  await on.part("ada", "topic").fill("mine");
  await on.part("ada", "set-topic").click();
  await on.shows("ada", "notice", "topic: only a moderator or an admin may set the topic");
  await on.part("ben", "topic").fill("ours");
  await on.part("ben", "set-topic").click();
  for (const who of ALL) {
    await on.page.waitForFunction(
      (id) => document.getElementById(id).value === "ours",
      `${who}-topic`,
    );
  }
});

test("S21 S30 the chat page: an admin removes a member, for good", async (t) => {
  const on = await chatPage(t);
  await on.page.getByTestId("ben-remove-Cyd").click();
  await on.status("cyd", "refused");
  await on.shows("cyd", "notice", "refused: removed by an admin");
  await on.has("ada", "log", "Cyd left");
  await present(on.page, "ada", "Cyd").waitFor({ state: "detached" });
});

test("S107 S102 the chat page: the history comes from disk, also after a kill", async (t) => {
  const own = await TestServer.start(example("chat"));
  t.after(() => own.stop());
  const on = await chatPage(t, own.url);
  const text = "it's'); DROP TABLE posts; --";
  await say(on, "ada", text);
  await on.has("cyd", "log", text);
  await own.kill();
  await on.status("ada", "lost");
  await own.startAgain();
  for (const who of ALL) await on.status(who, "open");
  await say(on, "ben", "we are back");
  await on.has("cyd", "log", "we are back");
  const late = await openPage(t, browser, `${own.url}/?room=${on.room}`);
  const { has, shows } = parts(late);
  await has("ada", "log", text);
  await has("ada", "log", "we are back");
  await shows("ada", "messages", "2");
});

test("S110 the chat page fits 1280x800 without scrolling, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const on = await chatPage(t, server.url, { colorScheme });
    await say(on, "ada", "a message");
    await on.has("cyd", "log", "a message");
    assert.equal(await fits(on.page), true, colorScheme);
    await screenshot(on.page, `chat-${colorScheme}`);
  }
});
