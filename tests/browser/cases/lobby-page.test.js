import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, example } from "../../npm/support/server.js";
import { fits, launch, openPage, screenshot } from "../support/browser.js";
import { parts } from "../support/parts.js";

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([launch(), TestServer.start(example("lobby"))]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const asked = async () => (await fetch(`${server.url}/rooms`)).json();

test("the lobby page: rooms tell the lobby who is there, and a route asks it", async (t) => {
  const page = await openPage(t, browser, `${server.url}/`);
  const on = parts(page);
  const rooms = (text) => page.getByTestId("rooms").filter({ hasText: new RegExp(`^${text}$`) }).waitFor({ timeout: 10_000 });
  assert.deepEqual(await asked(), {});
  await on.part("ada", "enter").click();
  await rooms("kitchen1");
  await on.part("ben", "enter").click();
  await on.part("cyd", "enter").click();
  await rooms("kitchen2library1");
  await screenshot(page, "lobby");
  assert.equal(await fits(page), true);
  assert.deepEqual(await asked(), { kitchen: 2, library: 1 });

  // A member changes the room, then leaves.
  await on.part("cyd", "room").fill("kitchen");
  await on.part("cyd", "enter").click();
  await rooms("kitchen3");
  await on.part("ben", "leave").click();
  await rooms("kitchen2");

  // Closing the page also leaves the room.
  await page.close();
  const deadline = Date.now() + 10_000;
  while (Object.keys(await asked()).length) assert.ok(Date.now() < deadline, "a room still has members");
});
