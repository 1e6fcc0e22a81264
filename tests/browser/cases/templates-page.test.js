// The programs that are made from the templates, as `scripts/test.sh templates` leaves them.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { TestServer, fromTemplate, templateProgram } from "../../npm/support/server.js";
import { launch, openPage, screenshot } from "../support/browser.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const name of ["my-app", "my-react-app"]) {
  const skip = existsSync(templateProgram(name)) ? false : "scripts/test.sh templates makes it";
  describe(name, { skip }, () => {
    let server;
    before(async () => {
      server = await TestServer.start(templateProgram(name), { cwd: fromTemplate(name) });
    });
    after(() => server?.stop());

    test(`${name}: two windows see one list`, async (t) => {
      const [one, other] = [await openPage(t, browser, server.url), await openPage(t, browser, server.url)];
      await one.getByText("list groceries").waitFor();
      await one.getByLabel("a new task").fill("milk");
      await one.getByRole("button", { name: "Add" }).click();
      await other.getByLabel("milk").click();
      await one.locator("label.done", { hasText: "milk" }).waitFor();
      await screenshot(one, `template-${name}`);
      await one.getByRole("button", { name: "Remove done" }).click();
      await other.getByLabel("milk").waitFor({ state: "detached" });
    });

    test(`${name}: an error of the agent is shown`, async (t) => {
      const page = await openPage(t, browser, `${server.url}/?list=work`);
      await page.getByText("list work").waitFor();
      await page.getByLabel("a new task").fill("   ");
      await page.getByRole("button", { name: "Add" }).click();
      const error = page.getByRole("alert").filter({ hasText: "a task has 1 to 200 bytes" });
      await error.waitFor();
      assert.equal(await page.locator("li").count(), 0);
    });
  });
}
