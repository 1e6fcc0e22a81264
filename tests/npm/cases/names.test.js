// The texts of `tests/names.json`, which the tests of the other clients read too: all spellings of a name
// lead to one agent.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { VERSIONS, connect, each, open, until } from "../support/client.js";
import { TestServer } from "../support/server.js";

const { names, none } = JSON.parse(await readFile(new URL("../../names.json", import.meta.url), "utf8"));

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

each(test, "S17 S148 all spellings of a name lead to one agent, which knows its form", async (t, version) => {
  for (const { form, spellings } of names) {
    const first = await connect(t, version, server, { name: spellings[0] });
    const before = await first.call("getCount");
    for (const [index, name] of spellings.entries()) {
      const client = await connect(t, version, server, { name });
      assert.equal(client.name, form, name);
      assert.equal((await client.call("whoami")).server, form, name);
      assert.equal(await client.call("getCount"), before + index, name);
      await client.call("setCount", [before + index + 1]);
      const answer = await version.agentFetch({ host: server.host, protocol: "http", agent: "TestCounter", name });
      assert.equal((await answer.json()).name, form, name);
      // The name that a client received leads to the same agent.
      assert.equal((await connect(t, version, server, { name: client.name })).name, form);
    }
  }
});

each(test, "S148 escapes that are not UTF-8 name no agent, and the client is told for good", async (t, version) => {
  for (const name of none) {
    const client = open(t, version, server, { name });
    await until(() => client.log.connectionErrors.length, "the connection error");
    assert.deepEqual(
      client.log.connectionErrors.map(({ code, reason }) => [code, reason]),
      [[4400, "Invalid name"]],
    );
  }
});
