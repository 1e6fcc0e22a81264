// The output of `types --js`: it loads without a bundler or a compiler, and it matches its declarations.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import ts from "typescript";
import { WebSocket } from "ws";

import { uniqueName } from "../support/client.js";
import { TestServer, example } from "../support/server.js";

const NPM = fileURLToPath(new URL("..", import.meta.url));
const TSC = join(NPM, "node_modules/typescript/bin/tsc");
const run = promisify(execFile);

describe("the client in JavaScript", () => {
  let folder;
  let server;
  before(async () => {
    // The folder is beside `node_modules`, which contains `partysocket`.
    folder = await mkdtemp(join(NPM, "plain-"));
    await cp(join(NPM, "plain"), folder, { recursive: true });
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await run(example("chat"), ["types", "--js", "--out", join(folder, "agents")], { cwd: folder });
    server = await TestServer.start(example("chat"));
  });
  after(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const exactOptionalPropertyTypes of [false, true]) {
    test(`its declarations say what the types say, exact ${exactOptionalPropertyTypes}`, async () => {
      const config = {
        extends: "../types/tsconfig.json",
        compilerOptions: { exactOptionalPropertyTypes, skipLibCheck: false },
        include: ["visit.ts", "agents/*.d.ts"],
      };
      const path = join(folder, `tsconfig.${exactOptionalPropertyTypes}.json`);
      await writeFile(path, JSON.stringify(config));
      const problems = await run(process.execPath, [TSC, "-p", path]).then(() => "", ({ stdout }) => stdout);
      assert.equal(problems, "");
    });
  }

  test("Node.js loads it as it is, and it talks to the room", async () => {
    const source = await readFile(join(folder, "visit.ts"), "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    await writeFile(join(folder, "visit.js"), outputText);
    const { visit } = await import(pathToFileURL(join(folder, "visit.js")));
    const { schemaHash, ...told } = await visit(server.url, uniqueName(), WebSocket);
    assert.deepEqual(told, {
      bodies: ["one"],
      refused: "rpc",
      topic: "",
      ended: "closed",
      agent: "chat-room",
    });
    // The same program has the same types in both forms.
    const types = await readFile(join(NPM, "types/chat/agents.ts"), "utf8");
    assert.ok(types.includes(`schemaHash = "${schemaHash}"`), schemaHash);
  });
});
