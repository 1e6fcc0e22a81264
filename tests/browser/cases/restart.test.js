import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { TestServer } from "../../npm/support/server.js";
import { VERSIONS, launch, openBundle } from "../support/browser.js";

let browser;
let server;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.stop());

for (const version of VERSIONS) {
  test(`S102 S138 a page outlives a killed server: state and buffered calls [${version.label}]`, async (t) => {
    const page = await openBundle(t, browser, `${server.url}/`, "client.js", version);
    await page.evaluate(async () => {
      const client = test.open("a", { name: "room" });
      await client.ready;
      await client.call("setCount", [41]);
      window.cut = client.call("slow", [20_000]).catch((e) => e.message);
    });
    await server.kill();
    await page.waitForFunction(() => test.log("a").closes.length > 0);
    assert.equal(await page.evaluate(() => window.cut), "Connection closed");
    await page.evaluate(() => {
      window.buffered = test.client("a").call("increment");
    });
    await server.startAgain();
    assert.equal(await page.evaluate(() => window.buffered), 42);
    await page.waitForFunction(() => test.client("a").state?.count === 42);
    assert.deepEqual(
      await page.evaluate(() => test.log("a").connectionErrors),
      [],
    );
  });

  test(`S110 a React page shows the state again after a restart [${version.label}]`, async (t) => {
    const page = await openBundle(t, browser, `${server.url}/`, "react.jsx", version);
    await page.evaluate(() => test.mount({ name: "room" }));
    const count = page.getByTestId("count");
    await page.getByTestId("increment").click();
    await count.filter({ hasText: /^1$/ }).waitFor();
    await server.kill();
    await page.getByTestId("identified").filter({ hasText: "false" }).waitFor();
    await server.startAgain();
    await page.getByTestId("identified").filter({ hasText: "true" }).waitFor();
    await page.getByTestId("increment").click();
    await count.filter({ hasText: /^2$/ }).waitFor();
  });
}
