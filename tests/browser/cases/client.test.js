import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { TestServer } from "../../npm/support/server.js";
import { VERSIONS, launch, openBundle, openPage } from "../support/browser.js";

let browser;
let server;
let names = 0;

before(async () => {
  [browser, server] = await Promise.all([launch(), TestServer.start()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const fresh = () => `browser-${(names += 1)}`;

function each(title, body) {
  for (const version of VERSIONS) {
    test(`${title} [${version.label}]`, async (t) => {
      const page = await openBundle(t, browser, `${server.url}/`, "client.js", version);
      await body(page, t);
    });
  }
}

each("S91 S109 S112 in Chromium: identity, state, call, stub and errors", async (page) => {
  const result = await page.evaluate(async (name) => {
    const client = test.open("a", { name });
    await client.ready;
    return {
      name: client.name,
      agent: client.agent,
      one: await client.call("increment"),
      three: await client.stub.increment(2),
      state: client.state,
      nothing: typeof (await client.call("nothing")),
      nil: await client.call("returnNull"),
      error: await client.call("fail", ["as it is"]).catch((e) => e.message),
      unknown: await client.call("nope").catch((e) => e.message),
      types: test.log("a").frames.slice(0, 3).map((f) => JSON.parse(f).type),
    };
  }, fresh());
  assert.match(result.name, /^browser-/);
  assert.equal(result.agent, "test-counter");
  assert.deepEqual([result.one, result.three], [1, 3]);
  assert.deepEqual(result.state, { count: 3 });
  assert.equal(result.nothing, "undefined");
  assert.equal(result.nil, null);
  assert.equal(result.error, "as it is");
  assert.equal(result.unknown, "Method nope does not exist");
  assert.deepEqual(result.types, [
    "cf_agent_identity",
    "cf_agent_state",
    "cf_agent_mcp_servers",
  ]);
});

each("S111 S117 S141 two clients in one page: pushes, updates and refusals", async (page) => {
  const result = await page.evaluate(async (name) => {
    const editor = test.open("editor", { name });
    const viewer = test.open("viewer", { name, query: { mode: "view" } });
    await Promise.all([editor.ready, viewer.ready]);
    await Promise.all([editor.call("nothing"), viewer.call("nothing")]);
    editor.setState({ count: 5 });
    await editor.call("nothing");
    await viewer.call("nothing");
    const synced = structuredClone(viewer.state);
    viewer.setState({ count: 6 });
    const refused = await viewer.call("increment").catch((e) => e.message);
    return {
      synced,
      refused,
      stateErrors: test.log("viewer").stateErrors,
      count: await editor.call("getCount"),
    };
  }, fresh());
  assert.deepEqual(result, {
    synced: { count: 5 },
    refused: "Connection is readonly",
    stateErrors: ["Connection is readonly"],
    count: 5,
  });
});

each("S55 S56 S57 in Chromium: text, views, buffers and blobs come back as they were", async (page) => {
  const result = await page.evaluate(async (name) => {
    const client = test.open("a", { name });
    await client.ready;
    const whole = Uint8Array.from({ length: 16 }, (_, i) => i);
    client.send(new Uint8Array(whole.buffer, 3, 5));
    client.send(new DataView(whole.buffer, 14, 2));
    client.send(whole.buffer.slice(0, 3));
    const deadline = Date.now() + 5000;
    const { binary, frames } = test.log("a");
    const wait = async (done) => {
      while (!done() && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await wait(() => binary.length === 3);
    client.send(new Blob([whole.slice(1, 3)]));
    await wait(() => binary.length === 4);
    const text = "🦀ü".repeat(100_000);
    client.send(text);
    await wait(() => frames.includes(text));
    return { binary, text: frames.includes(text) };
  }, fresh());
  assert.deepEqual(result.binary, [[3, 4, 5, 6, 7], [14, 15], [0, 1, 2], [1, 2]]);
  assert.equal(result.text, true);
});

each("S112 S138 streaming in Chromium", async (page) => {
  const events = await page.evaluate(async (name) => {
    const client = test.open("a", { name });
    const events = [];
    const result = await client.call("streamNumbers", [5], {
      stream: {
        onChunk: (n) => events.push(n),
        onDone: (n) => events.push(`done ${n}`),
      },
    });
    return [...events, result];
  }, fresh());
  assert.deepEqual(events, [0, 1, 2, 3, 4, "done 5", 5]);
});

each("S21 S113 a refusal reaches the page as an error, once, and nothing is tried again", async (page) => {
  const result = await page.evaluate(async (name) => {
    test.open("a", { name, query: { token: "bad" } });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const { opens, frames, closes, connectionErrors } = test.log("a");
    return { opens, frames, closes, connectionErrors };
  }, fresh());
  assert.deepEqual(result, {
    opens: 1,
    frames: [],
    closes: [{ code: 4401, reason: "token refused", wasClean: true }],
    connectionErrors: [{ code: 4401, reason: "token refused" }],
  });
});

test("S10 S30 a browser's own close() ends clean: no code gives 1005, 1000 gives 1000, 3001 comes back", async (t) => {
  const page = await openPage(t, browser, `${server.url}/`);
  const name = fresh();
  const closes = await page.evaluate(async (url) => {
    const closing = (...args) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onmessage = () => socket.close(...args);
        socket.onclose = ({ code, reason, wasClean }) =>
          resolve({ code, reason, wasClean });
      });
    return [await closing(), await closing(1000), await closing(3001, "bye")];
  }, `ws://${server.host}/agents/test-counter/${name}`);
  assert.deepEqual(closes, [
    { code: 1005, reason: "", wasClean: true },
    { code: 1000, reason: "", wasClean: true },
    { code: 3001, reason: "bye", wasClean: true },
  ]);
});

test("S10 closing the page is noticed by the agent, and the others are told", async (t) => {
  const name = fresh();
  const stays = await openBundle(t, browser, `${server.url}/`, "client.js", VERSIONS[0]);
  await stays.evaluate((room) => test.open("a", { name: room }).ready, name);
  const context = await browser.newContext();
  const leaves = await context.newPage();
  await leaves.goto(`${server.url}/`);
  await leaves.evaluate(
    (url) =>
      new Promise((resolve) => {
        window.socket = new WebSocket(url);
        window.socket.onmessage = resolve;
      }).then(() => undefined),
    `ws://${server.host}/agents/test-counter/${name}?name=ada`,
  );
  await context.close();
  await stays.waitForFunction(() =>
    test.log("a").frames.some((f) => JSON.parse(f).type === "left"),
  );
  const ids = await stays.evaluate(() => test.client("a").call("connectionIds", [null]));
  assert.equal(ids.length, 1);
});

each("S5 S113 agentFetch from another origin: preflight, custom header, POST body", async (_, t) => {
  const foreign = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>elsewhere</title>");
  });
  await new Promise((resolve) => foreign.listen(0, "127.0.0.1", resolve));
  t.after(() => foreign.close());
  const version = VERSIONS.find(({ label }) => t.name.includes(label));
  const page = await openBundle(
    t,
    browser,
    `http://localhost:${foreign.address().port}/`,
    "client.js",
    version,
  );
  const result = await page.evaluate(
    async ([host, name]) => {
      const options = { agent: "TestCounter", name, host };
      const posted = await test.agentFetch(
        { ...options, query: { status: "201" } },
        { method: "POST", body: "hello", headers: { "x-test": "preflighted" } },
      );
      const answer = await posted.json();
      const failed = await test.agentFetch({ ...options, query: { fail: "1" } });
      const client = test.open("a", { name, host });
      await client.ready;
      return {
        status: posted.status,
        method: answer.method,
        body: answer.body,
        header: answer.header,
        failed: failed.status,
        count: await client.call("increment"),
      };
    },
    [server.host, fresh()],
  );
  assert.deepEqual(result, {
    status: 201,
    method: "POST",
    body: "hello",
    header: "preflighted",
    failed: 400,
    count: 1,
  });
});

test("S109 the experimental transport of 0.32.0 ends with an error instead of silence", async (t) => {
  const [newest] = VERSIONS;
  const page = await openBundle(t, browser, `${server.url}/`, "client.js", newest);
  const message = await page.evaluate((name) => {
    const client = test.open("a", { name, transport: "capnweb" });
    return client.call("getCount").catch((e) => e.message);
  }, fresh());
  // The call is rejected by the side that sees the close first: the transport or the client.
  assert.match(message, /4400|^Connection closed$/);
  await page.waitForFunction(() => test.log("a").connectionErrors.length === 1);
  assert.equal(await page.evaluate(() => test.log("a").connectionErrors[0].code), 4400);
});
