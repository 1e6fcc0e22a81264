import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, example } from "../../npm/support/server.js";
import { fits, launch, openPage } from "../support/browser.js";

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([launch(), TestServer.start(example("login"))]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("the login page: a cookie opens the notebook of its user", async (t) => {
  const page = await openPage(t, browser, `${server.url}/`);
  await page.getByLabel("name").fill("ada");
  await page.getByLabel("password").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("wrong password").waitFor({ timeout: 10_000 });
  await page.getByLabel("password").fill("swordfish");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "ada" }).waitFor({ timeout: 10_000 });
  assert.equal(await page.evaluate(() => document.cookie), "", "scripts do not see the cookie");
  assert.equal(await fits(page), true);

  // The session outlives the page.
  await page.reload();
  await page.getByRole("heading", { name: "ada" }).waitFor({ timeout: 10_000 });
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Log in" }).waitFor({ timeout: 10_000 });
});
