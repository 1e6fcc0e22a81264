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
let documents = 0;

before(async () => {
  [browser, server] = await Promise.all([
    launch(),
    TestServer.start(example("docs")),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page with a fresh document: Ada edits, Ben and Cyd watch. */
async function docsPage(t, options = {}) {
  const name = `document-${(documents += 1)}`;
  const page = await openPage(t, browser, `${server.url}/?document=${name}`, options);
  const on = parts(page);
  await on.shows("ada", "role", "may edit");
  for (const who of ["ben", "cyd"]) await on.shows(who, "role", "view only");
  for (const who of ALL) await on.has(who, "readers", "Cyd");
  const value = (who, part, text) =>
    page.waitForFunction(
      ([id, text]) => document.getElementById(id).value === text,
      [`${who}-${part}`, text],
    );
  return { page, name, value, ...on };
}

async function rename(on, who, title) {
  await on.part(who, "title").fill(title);
  await on.part(who, "rename").click();
}

test("S119 S115 the docs page: what an editor writes, viewers see", async (t) => {
  const on = await docsPage(t);
  await rename(on, "ada", "Handbook");
  // A push replaces the whole state, so Ada's client must know the new title first.
  await on.has("ada", "audit", "call rename");
  await on.part("ada", "text").fill("First line <b>& more</b> ü 🦀");
  for (const who of ["ben", "cyd"]) {
    await on.value(who, "title", "Handbook");
    await on.value(who, "text", "First line <b>& more</b> ü 🦀");
    await on.has(who, "audit", "call rename");
    await on.has(who, "audit", "edit");
  }
  await screenshot(on.page, "docs");
});

test("S117 S118 S141 S143 S147 the docs page: a viewer's edit, call and button", async (t) => {
  const on = await docsPage(t);
  await rename(on, "ada", "Ours");
  await on.value("ben", "title", "Ours");
  assert.equal(await on.part("ben", "clear").isDisabled(), true);
  assert.equal(await on.part("ben", "lock").isVisible(), false);
  await on.part("ben", "text").fill("mine");
  await on.shows("ben", "notice", `edit: ${REFUSED}`);
  await on.value("ben", "text", "");
  await rename(on, "ben", "mine");
  await on.shows("ben", "notice", `rename: ${REFUSED}`);
  await on.value("ben", "title", "Ours");
  await on.value("ada", "title", "Ours");
  await on.value("ada", "text", "");
});

test("S177 the docs page: the audit table has refused attempts, for everyone and after a reload", async (t) => {
  const on = await docsPage(t);
  await rename(on, "ada", "Ours");
  await on.value("ben", "title", "Ours");
  await on.part("ben", "text").fill("mine");
  await rename(on, "cyd", "mine");
  const seen = async (parts) => {
    for (const who of ALL) {
      await parts.has(who, "audit", `Adacall renamedone`);
      await parts.has(who, "audit", `Beneditrefused: ${REFUSED}`);
      await parts.has(who, "audit", `Cydcall renamerefused: ${REFUSED}`);
    }
  };
  await seen(on);
  await screenshot(on.page, "docs-audit");
  await on.page.reload();
  await seen(on);
});

test("S137 S127 the docs page: an editor locks and unlocks, for this connection alone", async (t) => {
  const on = await docsPage(t);
  await rename(on, "ada", "Ours");
  await on.part("ada", "lock").click();
  await on.shows("ada", "role", "locked");
  await on.has("ada", "audit", "call rename");
  await on.part("ada", "text").fill("slip");
  await on.shows("ada", "notice", `edit: ${REFUSED}`);
  assert.equal(await on.part("ada", "clear").isDisabled(), true);
  await on.part("ada", "lock").click();
  await on.shows("ada", "role", "may edit");
  await on.part("ada", "text").fill("on purpose");
  await on.value("ben", "text", "on purpose");
});

test("S152 the docs page: a viewer becomes an editor with the code and not without", async (t) => {
  const on = await docsPage(t);
  await rename(on, "ada", "Ours");
  await on.value("ben", "title", "Ours");
  await on.part("ben", "code").fill("please");
  await on.part("ben", "upgrade").click();
  await on.shows("ben", "notice", "become an editor: Insufficient permissions");
  await on.shows("ben", "role", "view only");
  await on.part("ben", "code").fill("open sesame");
  await on.part("ben", "upgrade").click();
  await on.shows("ben", "role", "may edit");
  await on.part("ben", "text").fill("now both");
  await on.value("ada", "text", "now both");
  await on.has("cyd", "readers", "Ben ✎");
  await screenshot(on.page, "docs-upgrade");
});

test("S145 the docs page: what the document refuses is refused for editors too", async (t) => {
  const on = await docsPage(t);
  await on.part("ada", "text").fill("no title yet");
  await on.shows("ada", "notice", "edit: State update rejected");
  await on.value("ada", "text", "");
  await on.has("ben", "audit", "refused: a document needs a title before a text");
});

test("S110 the docs page fits 1280x800 without scrolling, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const on = await docsPage(t, { colorScheme });
    await rename(on, "ada", "Title");
    await on.value("cyd", "title", "Title");
    assert.equal(await fits(on.page), true, colorScheme);
    await screenshot(on.page, `docs-${colorScheme}`);
  }
});

for (const version of VERSIONS) {
  test(`S117 S141 S143 S21 in Chromium the npm client sees what the docs refuse [${version.label}]`, async (t) => {
    const page = await openBundle(t, browser, `${server.url}/`, "client.js", version);
    const result = await page.evaluate(async (name) => {
      const agent = "SharedDocument";
      const editor = test.open("editor", { agent, name, query: { name: "Ada", role: "editor" } });
      const viewer = test.open("viewer", { agent, name, query: { name: "Ben" } });
      const unnamed = test.open("unnamed", { agent, name });
      await Promise.all([editor.ready, viewer.ready]);
      await editor.call("rename", ["Title"]);
      viewer.setState({ title: "mine", text: "" });
      const refused = await viewer.call("rename", ["mine"]).catch((error) => error.message);
      const right = await viewer.call("clear").catch((error) => error.message);
      const deadline = Date.now() + 5000;
      while (!test.log("unnamed").connectionErrors.length && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return {
        refused,
        right,
        stateErrors: test.log("viewer").stateErrors,
        closed: test.log("unnamed").connectionErrors,
        frames: test.log("unnamed").frames,
        title: (await editor.call("audit")).length > 2 && editor.state.title,
      };
    }, `npm-${version.label}`);
    assert.deepEqual(result, {
      refused: REFUSED,
      right: REFUSED,
      stateErrors: [REFUSED],
      closed: [{ code: 4401, reason: "a name of 1 to 40 characters is required" }],
      frames: [],
      title: "Title",
    });
  });
}
