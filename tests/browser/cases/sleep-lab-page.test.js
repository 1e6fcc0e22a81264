import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { TestServer, example } from "../../npm/support/server.js";
import { fits, launch, openPage, screenshot } from "../support/browser.js";

const SOCKETS = 200;

let browser;

before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
});

/** Opens the page of a fresh lab. */
async function labPage(t, options) {
  const server = await TestServer.start(example("sleep-lab"));
  t.after(() => server.stop());
  const page = await openPage(t, browser, server.url, options);
  const on = (name) => page.getByTestId(name);
  return {
    page,
    server,
    on,
    /** Waits until the figure is `value`. */
    shows: (name, value) =>
      on(name).filter({ hasText: new RegExp(`^${value}$`) }).waitFor({ timeout: 30_000 }),
    says: (text) => on("notice").filter({ hasText: text }).waitFor({ timeout: 30_000 }),
    async open(sockets) {
      await on("wanted").fill(String(sockets));
      await on("open").click();
    },
  };
}

/** Waits until every agent is asleep after the given number of wakes. */
async function asleep(lab, wakes) {
  await lab.shows("wakes", String(wakes));
  await lab.shows("awake", "0");
}

/** Returns the ids of the client processes of a server. */
async function sleepers(server) {
  const found = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes(`sleepers\0${server.host}\0`)) found.push(pid);
  }
  return found;
}

async function gone(server) {
  for (let tries = 0; (await sleepers(server)).length > 0; tries += 1) {
    assert.ok(tries < 100, "the clients outlive the server");
    await pause(100);
  }
}

test("the sleep lab: sockets open, agents fall asleep, one wakes, all wake, all close", async (t) => {
  const lab = await labPage(t);
  await lab.shows("sockets", "0");
  assert.equal(await lab.on("wake-all").isDisabled(), true);
  await lab.open(SOCKETS);
  await lab.shows("sockets", String(SOCKETS));
  await lab.says(`all ${SOCKETS} sockets are open`);
  await asleep(lab, SOCKETS);
  for (const figure of ["each", "each-in-use"]) {
    await lab.on(figure).filter({ hasText: /^[\d,]+ B$/ }).waitFor();
  }
  assert.equal(await lab.on("sockets").textContent(), String(SOCKETS));
  await screenshot(lab.page, "sleep-lab-asleep");

  await lab.on("wake-one").click();
  await lab.shows("awake", "1");
  await lab.says(/answers so far: 1$/);
  await asleep(lab, SOCKETS + 1);

  await lab.on("wake-all").click();
  await lab.shows("awake", String(SOCKETS));
  await screenshot(lab.page, "sleep-lab-awake");
  await lab.says(`answers so far: ${SOCKETS + 1}`);
  await asleep(lab, 2 * SOCKETS + 1);

  for (const chart of ["agents", "memory", "active", "wakes"]) {
    const canvas = lab.on(`${chart}-canvas`);
    assert.ok(Number(await canvas.getAttribute("data-points")) >= 10, chart);
    assert.ok(await canvas.evaluate(isDrawn), chart);
  }
  const curve = await lab.page.evaluate(() => samples.map(({ awake }) => awake));
  assert.equal(Math.max(...curve), SOCKETS);
  assert.equal(curve.at(-1), 0);
  await screenshot(lab.page, "sleep-lab");

  await lab.on("close").click();
  await lab.shows("sockets", "0");
  await gone(lab.server);
  await lab.says("sockets are possible here");
  assert.equal(await lab.on("open").isEnabled(), true);
});

/** Returns whether a canvas contains several colours. */
function isDrawn(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set(new Uint32Array(data.buffer));
  return seen.size > 3;
}

test("the sleep lab: numbers that are not possible are refused with a text", async (t) => {
  const lab = await labPage(t);
  for (const sockets of [0, 1_000_000]) {
    await lab.open(sockets);
    await lab.says(/^1 to \d+ sockets are possible here$/);
    await lab.page.waitForFunction(() => !document.getElementById("open").disabled);
  }
  assert.deepEqual(await sleepers(lab.server), []);
});

test("the sleep lab: the clients end with the server, stopped or killed", async (t) => {
  for (const end of ["terminate", "kill"]) {
    const lab = await labPage(t);
    await lab.open(20);
    await lab.shows("sockets", "20");
    assert.equal((await sleepers(lab.server)).length, 1);
    await lab.server[end]();
    await gone(lab.server);
    await lab.says("the program does not answer");
  }
});

test("the sleep lab fits 1280x800 without scrolling, in light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const lab = await labPage(t, { colorScheme });
    await lab.open(50);
    await lab.shows("sockets", "50");
    await asleep(lab, 50);
    assert.equal(await fits(lab.page), true, colorScheme);
    await screenshot(lab.page, `sleep-lab-${colorScheme}`);
  }
});
