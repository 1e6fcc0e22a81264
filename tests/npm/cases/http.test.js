import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  connect,
  each,
  framesOf,
  uniqueName,
  until,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, HEAD, OPTIONS, PUT, PATCH, DELETE",
  "access-control-allow-headers": "*",
  "access-control-max-age": "86400",
};

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

function corsOf(response) {
  return Object.fromEntries(
    [...response.headers].filter(([key]) => key.startsWith("access-control-")),
  );
}

each(test, "S5 agentFetch GET reaches the request hook with path, query and header", async (t, version) => {
  const name = uniqueName();
  const response = await version.agentFetch(
    {
      agent: "TestCounter",
      name,
      host: server.host,
      path: "deep/er",
      query: { a: "1 2" },
    },
    { headers: { "x-test": "yes" } },
  );
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-answer"), "yes");
  assert.match(response.headers.get("content-type"), /^application\/json/);
  const body = await response.json();
  assert.equal(body.name, name);
  assert.equal(body.method, "GET");
  assert.equal(body.path, `/agents/test-counter/${name}/deep/er`);
  assert.equal(new URLSearchParams(body.query).get("a"), "1 2");
  assert.equal(body.header, "yes");
  assert.deepEqual(corsOf(response), CORS);
});

each(test, "S5 agentFetch POST carries a body, the status is the hook's", async (t, version) => {
  const response = await version.agentFetch(
    {
      agent: "TestCounter",
      name: uniqueName(),
      host: server.host,
      query: { status: "201" },
    },
    { method: "POST", body: "ü".repeat(100_000) },
  );
  assert.equal(response.status, 201);
  const { method, body } = await response.json();
  assert.equal(method, "POST");
  assert.equal(body, "ü".repeat(100_000));
});

each(test, "agentFetch streams both ways: what is sent comes back while more is sent", async (t, version) => {
  const piece = new Uint8Array(64 * 1024).map((_, n) => n % 251);
  const count = 64;
  let sent = 0;
  let heard;
  const first = new Promise((resolve) => (heard = resolve));
  const body = new ReadableStream({
    async pull(controller) {
      if (sent === count) return controller.close();
      sent += 1;
      // The last chunk is sent after the first bytes have come back.
      if (sent === count) await first;
      controller.enqueue(piece);
    },
  });
  const response = await version.agentFetch(
    { agent: "TestCounter", name: uniqueName(), host: server.host, query: { echo: "1" } },
    { method: "POST", body, duplex: "half" },
  );
  assert.equal(response.status, 200);
  let came = 0;
  for await (const chunk of response.body) {
    for (const [n, byte] of chunk.entries()) {
      if (byte !== ((came + n) % piece.length) % 251) assert.fail(`byte ${came + n} is not the byte that was sent`);
    }
    came += chunk.length;
    heard();
  }
  assert.equal(came, count * piece.length);
});

each(test, "S39 a request may change the state: connected clients hear of it", async (t, version) => {
  const name = uniqueName();
  const client = await connect(t, version, server, { name });
  const response = await version.agentFetch({
    agent: "TestCounter",
    name,
    host: server.host,
    query: { set: "12" },
  });
  assert.equal((await response.json()).count, 12);
  await until(() => client.state?.count === 12, "the update");
  assert.equal(framesOf(client, "cf_agent_state").length, 2);
});

each(test, "S109 agentFetch with basePath goes where it says", async (t, version) => {
  const name = uniqueName();
  const response = await version.agentFetch({
    agent: "Whatever",
    host: server.host,
    basePath: `agents/test-counter/${name}`,
  });
  assert.equal((await response.json()).name, name);
});

each(test, "S5 an agent without a request hook: 404 'Not implemented', with CORS headers", async (t, version) => {
  const response = await version.agentFetch({
    agent: "TestNoState",
    name: uniqueName(),
    host: server.host,
  });
  assert.equal(response.status, 404);
  assert.equal(await response.text(), "Not implemented");
  assert.deepEqual(corsOf(response), CORS);
});

each(test, "S12 S13 a failed request hook: 400 with the agent's own words or 500 with an id, never a library's", async (t, version) => {
  const options = { agent: "TestCounter", name: uniqueName(), host: server.host };
  const own = await version.agentFetch({ ...options, query: { fail: "1" } });
  assert.equal(own.status, 400);
  assert.deepEqual(await own.json(), { code: "error", message: "secret detail in the request hook" });
  assert.deepEqual(corsOf(own), CORS);
  // The hook parses this number. The message of the parser goes to the log only.
  const foreign = await version.agentFetch({ ...options, query: { set: "many" } });
  assert.equal(foreign.status, 500);
  const text = await foreign.text();
  assert.notEqual(text, "");
  assert.doesNotMatch(text, /digit|parse|\.rs\b/i);
  assert.deepEqual(corsOf(foreign), CORS);
  assert.equal((await version.agentFetch(options)).status, 200);
});

each(test, "S148 an unknown class: 400 'Invalid request', no CORS headers", async (t, version) => {
  const response = await version.agentFetch({
    agent: "NoSuchClass",
    name: "x",
    host: server.host,
  });
  assert.equal(response.status, 400);
  assert.equal(await response.text(), "Invalid request");
  assert.deepEqual(corsOf(response), {});
});

test("S148 only the kebab case of a class is an address", async () => {
  for (const wrong of ["TestCounter", "testcounter", "test_counter", "TEST-COUNTER"]) {
    const response = await fetch(`${server.url}/agents/${wrong}/x`);
    assert.equal(response.status, 400, wrong);
  }
  assert.equal((await fetch(`${server.url}//agents//test-counter//x/`)).status, 200);
});

test("S113 the preflight of a known class: 200, empty, with the CORS headers", async () => {
  const response = await fetch(`${server.url}/agents/test-counter/x`, {
    method: "OPTIONS",
    headers: {
      origin: "http://elsewhere.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "x-test, authorization",
    },
  });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "");
  // A star would not cover Authorization, so the requested headers are named.
  assert.deepEqual(corsOf(response), { ...CORS, "access-control-allow-headers": "x-test, authorization" });
});

test("S5 other paths are the application's: its routes, else 404, no CORS headers", async () => {
  const plain = await fetch(`${server.url}/plain`);
  assert.equal(plain.status, 200);
  assert.equal(await plain.text(), "plain");
  assert.deepEqual(corsOf(plain), {});
  for (const path of ["/agents", "/agents/", "/agents/test-counter", "/elsewhere/x"]) {
    const response = await fetch(`${server.url}${path}`);
    assert.equal(response.status, 404, path);
    assert.deepEqual(corsOf(response), {}, path);
  }
});

test("S5 HEAD is answered like GET, without a body", async () => {
  const response = await fetch(`${server.url}/agents/test-counter/x`, { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-answer"), "yes");
  assert.equal(await response.text(), "");
});
