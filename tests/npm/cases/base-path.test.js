// A path without a name: the server finds the agent by the session.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { connect, each, open, uniqueName, until } from "../support/client.js";
import { TestServer } from "../support/server.js";

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

each(test, "basePath: the session names the agent, and the client learns the name", async (t, version) => {
  const user = uniqueName("user");
  const query = { session: `session-of-${user}` };
  const client = await connect(t, version, server, { basePath: "user", query });
  assert.deepEqual(client.log.identities.at(-1), { name: user, agent: "test-counter" });
  assert.equal(await client.call("increment"), 1);
  const named = await connect(t, version, server, { name: user });
  assert.equal(await named.call("increment"), 2);
  await until(() => client.state?.count === 2, "the other's change");
});

each(test, "S20 basePath: the session may be a cookie", async (t, version) => {
  const user = uniqueName("user");
  const headers = { Cookie: `theme=dark; session=session-of-${user}` };
  const client = await connect(t, version, server, { basePath: "user", headers });
  assert.equal(client.log.identities.at(-1).name, user);
});

each(test, "S21 basePath without a session: refused for good", async (t, version) => {
  const client = open(t, version, server, { basePath: "user" });
  await until(() => client.log.connectionErrors.length, "the connection error");
  const [{ code, reason }] = client.log.connectionErrors;
  assert.deepEqual([code, reason], [4401, "log in first"]);
  assert.deepEqual(client.log.frames, []);
});

test("the same path over HTTP", async () => {
  const answer = await fetch(`${server.url}/user/some/path?session=session-of-${uniqueName("user")}`);
  assert.equal(answer.status, 200);
  const refused = await fetch(`${server.url}/user`);
  assert.deepEqual([refused.status, await refused.json()], [401, { code: "unauthorized", message: "log in first" }]);
});
