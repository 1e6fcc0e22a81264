// The output of `types --js`, in a page without a compiler: an import map leads to `partysocket`.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { TestServer, example } from "../../npm/support/server.js";
import { launch, openPage } from "../support/browser.js";

const PARTYSOCKET = fileURLToPath(new URL("../node_modules/partysocket/dist", import.meta.url));
const TYPES = { ".js": "text/javascript", ".html": "text/html" };
const PAGE = `<!doctype html>
<title>plain</title>
<link rel="icon" href="data:," />
<script type="importmap">{ "imports": { "partysocket/ws": "/partysocket/ws.js" } }</script>
<script type="module">
  import { AgentError, connect } from "/agents/client.js";
  window.visit = async (host, name) => {
    const room = connect("ChatRoom", name, { host, query: { username: "Ada" } });
    const states = [];
    room.subscribe((state) => states.push(state.messages));
    await room.ready;
    await room.post("from a plain page");
    const posts = await room.history(5);
    const error = await room.setTopic("news").catch((error) => error);
    room.close();
    return { bodies: posts.map(({ body }) => body), states, typed: error instanceof AgentError, code: error.code };
  };
</script>`;

let browser;
let server;
let folder;
let files;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "agents-plain-"));
  await promisify(execFile)(example("chat"), ["types", "--js", "--out", join(folder, "agents")], { cwd: folder });
  [browser, server] = await Promise.all([launch(), TestServer.start(example("chat"))]);
  files = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    try {
      const body =
        path === "/" ? PAGE
        : path.startsWith("/partysocket/") ? await readFile(join(PARTYSOCKET, path.slice("/partysocket/".length)))
        : await readFile(join(folder, path));
      response.writeHead(200, { "content-type": TYPES[extname(path) || ".html"] ?? "text/plain" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => files.listen(0, "127.0.0.1", listening));
});
after(async () => {
  await browser?.close();
  await server?.stop();
  files?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("Chromium loads the client in JavaScript as it is", async (t) => {
  const page = await openPage(t, browser, `http://127.0.0.1:${files.address().port}/`);
  await page.waitForFunction("window.visit");
  const seen = await page.evaluate(([host, name]) => window.visit(host, name), [server.url, "plain"]);
  assert.deepEqual([seen.bodies, seen.typed, seen.code], [["from a plain page"], true, "rpc"]);
  assert.equal(seen.states.at(-1), 1);
});
