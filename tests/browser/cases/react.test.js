import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TestServer } from "../../npm/support/server.js";
import {
  VERSIONS,
  launch,
  openBundle,
  screenshot,
} from "../support/browser.js";

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

/** Opens two pages with the React counter on one agent. */
function each(title, body) {
  for (const version of VERSIONS) {
    test(`${title} [${version.label}]`, async (t) => {
      const name = `react-${(names += 1)}`;
      const mount = async (query) => {
        const page = await openBundle(t, browser, `${server.url}/`, "react.jsx", version);
        await page.evaluate((props) => test.mount(props), { name, query });
        return page;
      };
      await body(mount, name, version);
    });
  }
}

const shows = (page, id, text) =>
  page.getByTestId(id).filter({ hasText: new RegExp(`^${text}$`) }).waitFor({
    timeout: 10_000,
  });

each("S110 useAgent renders identity, state and the list of mcp servers", async (mount, name, version) => {
  const page = await mount();
  await shows(page, "identified", "true");
  await shows(page, "name", name);
  await shows(page, "count", "0");
  await shows(page, "seen", "server:0");
  await shows(page, "servers", "0");
  await screenshot(page, `use-agent-${version.label}`);
});

each("S110 S111 useAgent: a call in one page shows in the other, a push too", async (mount) => {
  const [one, two] = [await mount(), await mount()];
  await shows(two, "count", "0");
  await one.getByTestId("increment").click();
  await shows(one, "count", "1");
  await shows(two, "count", "1");
  await two.getByTestId("push").click();
  await shows(two, "seen", "client:100");
  await shows(one, "count", "100");
  await shows(one, "seen", "server:100");
});

each("S142 S147 S149 S158 useAgent for a viewer: button disabled, both refusals shown", async (mount) => {
  const editor = await mount();
  const viewer = await mount({ mode: "view" });
  await shows(viewer, "count", "0");
  await editor.getByTestId("increment").click();
  await shows(viewer, "count", "1");
  assert.equal(await viewer.getByTestId("increment").isDisabled(), true);
  assert.equal(await editor.getByTestId("increment").isDisabled(), false);
  await viewer.getByTestId("try").click();
  await shows(viewer, "notice", "Connection is readonly");

  const pusher = await mount({ mode: "view" });
  await shows(pusher, "count", "1");
  await pusher.getByTestId("push").click();
  await shows(pusher, "notice", "Connection is readonly");
  await shows(editor, "count", "1");
});

each("S110 useAgent streams", async (mount) => {
  const page = await mount();
  await page.getByTestId("stream").click();
  await shows(page, "chunks", "0 1 2 3 = 4");
});

each("S21 useAgent shows a refusal", async (mount) => {
  const page = await mount({ token: "bad" });
  await shows(page, "notice", "4401 token refused");
  await shows(page, "identified", "false");
});

each("S110 unmounting closes the connection", async (mount, name) => {
  const page = await mount();
  await shows(page, "identified", "true");
  const watching = await mount();
  await shows(watching, "identified", "true");
  const count = () =>
    watching.evaluate(
      async (url) => {
        const socket = new WebSocket(url);
        await new Promise((resolve) => {
          socket.onopen = resolve;
        });
        socket.send(
          JSON.stringify({ type: "rpc", id: "1", method: "connectionIds", args: [null] }),
        );
        const ids = await new Promise((resolve) => {
          socket.onmessage = ({ data }) => {
            const frame = JSON.parse(data);
            if (frame.type === "rpc") resolve(frame.result);
          };
        });
        socket.close();
        return ids.length - 1;
      },
      `ws://${server.host}/agents/test-counter/${name}?no-protocol=1`,
    );
  assert.equal(await count(), 2);
  await page.evaluate(() => test.unmount());
  await page.getByTestId("gone").waitFor();
  const deadline = Date.now() + 5_000;
  while ((await count()) !== 1) {
    assert.ok(Date.now() < deadline, "the unmounted page is still connected");
  }
});
