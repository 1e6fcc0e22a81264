// The TypeScript that programs generate for their agents: current, correct, and usable with the unmodified
// npm client.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import ts from "typescript";

import { connect, each, settled, uniqueName, until } from "../support/client.js";
import { TestServer, example } from "../support/server.js";

const TYPES = fileURLToPath(new URL("../types", import.meta.url));
const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const EXAMPLES = ["chat", "counter", "dashboard", "docs", "game"];

/** Runs a program until it ends. The caller checks the exit code. */
function run(program, args, options = {}) {
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "agents-types-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

describe("the compiler", () => {
  for (const config of ["tsconfig.json", "tsconfig.exact.json"]) {
    test(`takes all generated files, and refuses what must not compile: ${config}`, async () => {
      const { code, stdout } = await run(process.execPath, [TSC, "-p", join(TYPES, config)]);
      assert.equal(stdout, "");
      assert.equal(code, 0);
    });
  }

  test("notices a method that has changed, at the call", async (t) => {
    // The file is beside the others, so that the npm package is found.
    const path = await mkdtemp(`${TYPES}-`);
    t.after(() => rm(path, { recursive: true }));
    await cp(TYPES, path, { recursive: true });
    const generated = await readFile(join(path, "chat/agents.ts"), "utf8");
    const changed = generated.replace("post(body: string)", "post(body: string, urgent: boolean)");
    assert.notEqual(changed, generated);
    await writeFile(join(path, "chat/agents.ts"), changed);
    const { code, stdout } = await run(process.execPath, [TSC, "-p", join(path, "tsconfig.json")]);
    assert.equal(code, 2);
    assert.match(stdout, /talk\.ts\(\d+,\d+\): error TS\d+/);
  });
});

describe("the command", () => {
  for (const name of EXAMPLES) {
    test(`the file of the example ${name} is up to date`, async (t) => {
      const cwd = await folder(t);
      const { code, stdout, stderr } = await run(example(name), ["types", "--types-only", "--check", "--out", join(TYPES, name)], { cwd });
      assert.deepEqual([code, stdout, stderr], [0, "", ""]);
      assert.deepEqual(await readdir(cwd), [], "nothing is opened for it");
    });
  }

  test("shows what has changed and fails, and writes it when it is asked to", async (t) => {
    const cwd = await folder(t);
    const out = join(cwd, "web/agents");
    const missing = await run(example("chat"), ["types", "--check", "--out", out], { cwd });
    assert.equal(missing.code, 1);
    assert.match(missing.stdout, /^\+export interface ChatRoom \{$/m);
    assert.deepEqual(await readdir(cwd), [], "a check writes nothing");

    const written = await run(example("chat"), ["types", "--out", out], { cwd });
    assert.deepEqual([written.code, written.stdout.trim()], [0, join(out, "agents.ts")]);
    const file = await readFile(join(out, "agents.ts"), "utf8");
    assert.equal(file, await readFile(join(TYPES, "chat/agents.ts"), "utf8"));

    await writeFile(join(out, "agents.ts"), file.replace("remove(id: string)", "remove(id: number)"));
    const drifted = await run(example("chat"), ["types", "--check", "--out", out], { cwd });
    assert.equal(drifted.code, 1);
    assert.match(drifted.stdout, /^-  remove\(id: number\): Promise<void>;\n\+  remove\(id: string\): Promise<void>;$/m);
    assert.match(drifted.stderr, /out of date: run `types` again/);
    assert.deepEqual(await readdir(cwd), ["web"], "no folder for data");

    // The same holds for the client beside it.
    assert.equal((await run(example("chat"), ["types", "--out", out], { cwd })).code, 0);
    assert.equal((await run(example("chat"), ["types", "--check", "--out", out], { cwd })).code, 0);
    await rm(join(out, "runtime/stream.ts"));
    const without = await run(example("chat"), ["types", "--check", "--out", out], { cwd });
    assert.equal(without.code, 1);
    assert.match(without.stdout, /^\+export interface AgentStream</m);
    assert.equal((await run(example("chat"), ["types", "--types-only", "--check", "--out", out], { cwd })).code, 0);
  });

  test("writes a hook for React, or JavaScript, when it is asked to", async (t) => {
    const cwd = await folder(t);
    const files = async (...flags) => {
      const out = join(cwd, flags.join("") || "plain");
      assert.equal((await run(example("chat"), ["types", ...flags, "--out", out], { cwd })).code, 0);
      assert.equal((await run(example("chat"), ["types", ...flags, "--check", "--out", out], { cwd })).code, 0);
      return (await readdir(out)).sort();
    };
    assert.deepEqual(await files("--types-only"), ["agents.states.json", "agents.ts"]);
    assert.deepEqual(await files(), ["agents.states.json", "agents.ts", "client.ts", "runtime"]);
    assert.deepEqual(await files("--react"), ["agents.states.json", "agents.ts", "client.ts", "react.ts", "runtime"]);
    assert.deepEqual(await files("--js"), ["agents.d.ts", "agents.js", "agents.states.json", "client.d.ts", "client.js", "runtime"]);
    const both = await run(example("chat"), ["types", "--react", "--types-only", "--out", cwd], { cwd });
    assert.equal(both.code, 2);
  });

  test("wants to know where", async () => {
    const { code, stderr } = await run(example("chat"), ["types"]);
    assert.equal(code, 2);
    assert.match(stderr, /--out <DIR>/);
  });
});

describe("the official client with the types of chat", () => {
  let server;
  before(async () => {
    server = await TestServer.start(example("chat"));
  });
  after(() => server.stop());

  each(test, "talks to the room that they describe", async (t, version) => {
    const path = await folder(t);
    for (const file of ["talk.ts", "chat/agents.ts"]) {
      const source = await readFile(join(TYPES, file), "utf8");
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      const target = join(path, file.replace(".ts", ".js"));
      await mkdir(join(target, ".."), { recursive: true });
      await writeFile(target, outputText);
    }
    await writeFile(join(path, "package.json"), '{ "type": "module" }');
    const { name, talk } = await import(pathToFileURL(join(path, "talk.js")));
    const query = { username: "Ada", role: "moderator" };
    const room = await connect(t, version, server, { agent: name, name: uniqueName(), query });
    const visit = await settled(talk(room), "the visit");
    assert.deepEqual(visit.posts.map(({ author, body }) => [author, body]), [["Ada", "one"], ["Ada", "two"]]);
    assert.equal(visit.topic, "greetings");
    await until(() => visit.heard.length === 2, "the broadcasts");
    assert.deepEqual(visit.heard.map(({ user, text }) => [user, text]), [["Ada", "one"], ["Ada", "two"]]);
  });
});
