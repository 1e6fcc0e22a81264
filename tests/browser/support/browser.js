// One Chromium for a test file, and pages that contain a bundle of the npm package.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { chromium } from "playwright-core";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const SCREENSHOTS = fileURLToPath(
  new URL("../../../target/screenshots", import.meta.url),
);
const PROGRAM = process.env.CHROMIUM || "/usr/bin/chromium";

/** The versions of the npm package that are bundled into the pages. */
export const VERSIONS = [
  { label: "0.32.0", alias: {} },
  {
    label: "0.21.0",
    alias: {
      "agents/client": "agents-0.21/client",
      "agents/react": "agents-0.21/react",
    },
  },
];

/** Starts Chromium without outside connections of its own. */
export function launch() {
  return chromium.launch({
    executablePath: PROGRAM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

const bundles = new Map();

/** Bundles the page source `pages/NAME` and all its imports into one script. */
export function bundle(name, version) {
  const key = `${name} ${version.label}`;
  if (!bundles.has(key)) {
    bundles.set(
      key,
      build({
        entryPoints: [join(HERE, "pages", name)],
        absWorkingDir: HERE,
        alias: version.alias,
        bundle: true,
        define: { "process.env.NODE_ENV": '"production"' },
        format: "iife",
        jsx: "automatic",
        logLevel: "warning",
        platform: "browser",
        write: false,
      }).then(({ outputFiles }) => outputFiles[0].text),
    );
  }
  return bundles.get(key);
}

/**
 * Opens `url` in a fresh browser context. The test fails if the page has an uncaught error, or sends a
 * request to a host that does not belong to the test.
 */
export async function openPage(t, browser, url, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    const local = hostname === "127.0.0.1" || hostname === "localhost";
    if (protocol.startsWith("http") && !local) {
      problems.push(`outside request: ${request.url()}`);
    }
  });
  t.after(async () => {
    await context.close();
    if (problems.length) throw new Error(problems.join("\n"));
  });
  await page.goto(url);
  return page;
}

/** Opens `url` and loads the bundle of `pages/NAME` into it. */
export async function openBundle(t, browser, url, name, version) {
  const page = await openPage(t, browser, url);
  await page.addScriptTag({ content: await bundle(name, version) });
  return page;
}

/** Saves a screenshot below `target/screenshots`. */
export async function screenshot(page, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/** Returns whether the whole page is visible without scrolling. */
export function fits(page) {
  return page.evaluate(() => {
    const { scrollHeight, clientHeight, scrollWidth, clientWidth } = document.documentElement;
    return scrollHeight <= clientHeight && scrollWidth <= clientWidth;
  });
}
