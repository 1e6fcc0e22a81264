// The list of members that `docs/from-cloudflare.md` has a row for is that of the installed package.
// After an update of the package: `node cases/members.test.js --write`, and the rows of the page.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";

import { members } from "../support/members.js";

const LIST = new URL("../members.txt", import.meta.url);
const present = members().map((line) => `${line}\n`);

if (process.argv.includes("--write")) await writeFile(LIST, present.join(""));

test("the list of members has what the declarations of the package have", async () => {
  const listed = (await readFile(LIST, "utf8")).split(/(?<=\n)/);
  assert.deepEqual(listed, present);
  assert.ok(present.includes("Agent.setState\n") && present.includes("Connection.tags\n"));
});
