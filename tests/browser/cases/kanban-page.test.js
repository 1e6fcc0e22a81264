// The page of the example kanban, as `scripts/test.sh pages` leaves it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer, program } from "../../npm/support/server.js";
import { launch, openPage, screenshot } from "../support/browser.js";

const LIMIT = { timeout: 10_000 };

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([launch(), TestServer.start(program("kanban"))]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page with a login. Each page has cookies of its own. */
async function logIn(t, name, board = "") {
  const page = await openPage(t, browser, `${server.url}/${board && `#${board}`}`);
  await page.getByLabel("name").fill(name);
  await page.getByLabel("password").fill("swordfish");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Log out" }).waitFor(LIMIT);
  return page;
}

async function create(page, board) {
  await page.getByLabel("a new board").fill(board);
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: `${board} owner` }).waitFor(LIMIT);
}

async function share(page, user, role) {
  await page.getByLabel("a user").fill(user);
  await page.getByLabel("a role").selectOption(role);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("listitem").filter({ hasText: `${user} ${role}` }).waitFor(LIMIT);
}

const column = (page, title) => page.getByRole("region", { name: title, exact: true });
const card = (page, title) => page.getByRole("button", { name: title, exact: true });

async function add(page, title, where) {
  await page.getByLabel(`a new card in ${where}`).fill(title);
  await column(page, where).getByRole("button", { name: "Add" }).click();
  await column(page, where).getByRole("button", { name: title, exact: true }).waitFor(LIMIT);
}

const titles = (page, where) => column(page, where).getByRole("listitem").allInnerTexts();

test("the kanban page: two users change a board, and a viewer follows", async (t) => {
  const ann = await logIn(t, "ann");
  await create(ann, "plan");
  await share(ann, "bob", "editor");
  await share(ann, "vic", "viewer");
  const bob = await logIn(t, "bob", "plan");
  const vic = await logIn(t, "vic", "plan");
  await add(ann, "write", "To do");
  await add(bob, "read", "To do");
  await card(bob, "read").dragTo(card(bob, "write"));
  for (const page of [ann, bob, vic]) {
    await page.waitForFunction(() => {
      const [first, second] = document.querySelectorAll("section[aria-label='To do'] li");
      return first?.textContent === "read" && second?.textContent === "write";
    }, undefined, LIMIT);
  }
  await card(bob, "write").dragTo(column(bob, "Done").getByRole("heading"));
  await column(vic, "Done").getByRole("button", { name: "write" }).waitFor(LIMIT);
  assert.deepEqual(await titles(vic, "To do"), ["read"]);

  // A viewer has nothing to change the board with, and gets it at once when the role changes.
  assert.equal(await vic.getByLabel("a new card in To do").count(), 0);
  assert.equal(await vic.getByRole("heading", { name: "Audit" }).count(), 0);
  await share(ann, "vic", "editor");
  await add(vic, "test", "Doing");
  await ann.getByRole("region", { name: "Audit" }).getByText("vic added test to Doing").waitFor(LIMIT);
  await screenshot(ann, "kanban-owner");
});

test("the kanban page: files and an import", async (t) => {
  const ann = await logIn(t, "ann");
  await create(ann, "files");
  await add(ann, "write", "To do");
  await card(ann, "write").click();
  const file = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("the notes") };
  await ann.getByLabel("Attach a file").setInputFiles(file);
  const link = ann.getByRole("link", { name: "notes.txt" });
  await link.waitFor(LIMIT);
  await screenshot(ann, "kanban-card");
  const [download] = await Promise.all([ann.waitForEvent("download"), link.click()]);
  assert.equal(download.suggestedFilename(), "notes.txt");
  await ann.getByRole("button", { name: "Close" }).click();
  const lines = ["first", "second"].map((title) => JSON.stringify({ title, column: "Done" }));
  const buffer = Buffer.from([...lines, "nonsense"].join("\n"));
  await ann.getByLabel("A file with one JSON object a line").setInputFiles({ name: "x", mimeType: "text/plain", buffer });
  await ann.getByRole("status").filter({ hasText: "2 cards added, 1 lines skipped: line 3" }).waitFor(LIMIT);
  assert.deepEqual(await titles(ann, "Done"), ["first", "second"]);
});

test("the kanban page: a wrong password, and a board of others", async (t) => {
  const page = await openPage(t, browser, `${server.url}/#plan`);
  await page.getByLabel("name").fill("eve");
  await page.getByLabel("password").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("wrong password").waitFor(LIMIT);
  const eve = await logIn(t, "eve", "plan");
  await eve.getByText("There is no such board.").waitFor(LIMIT);
});
