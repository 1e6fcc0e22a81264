// Makes the pages: node pages.js STEP... [PAGE...]. Without a page name, all pages are made.
//
// types    writes the folder `agents` of a page with the command `types` of its program
// bundle   builds a page into `dist/PAGE`

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import react from "@vitejs/plugin-react";
import { build } from "vite";

/** The pages, with the options of their command `types`. */
const PAGES = { chat: [], docs: [], "game-react": ["--react"] };
const STEPS = { types, bundle };
const here = import.meta.dirname;

/** AGENTS_EXAMPLES is the folder of programs that are already built. Without it, cargo builds them. */
function types(page) {
  const built = process.env.AGENTS_EXAMPLES;
  const [program, ...args] = built
    ? [join(built, page)]
    : ["cargo", "run", "--quiet", "--locked", "--example", page, "--"];
  // The examples keep no data of older versions, so they have no record of stored states either.
  const options = ["types", ...PAGES[page], "--accept-states", "--out", join(here, page, "agents")];
  execFileSync(program, [...args, ...options], { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
}

async function bundle(page) {
  const root = join(here, page);
  const files = readdirSync(root).filter((file) => file.endsWith(".html"));
  await build({
    root,
    base: "./",
    plugins: [react()],
    build: {
      outDir: join(here, "dist", page),
      emptyOutDir: true,
      rolldownOptions: { input: files.map((file) => join(root, file)) },
    },
    logLevel: "warn",
  });
}

const words = process.argv.slice(2);
const names = words.filter((word) => !(word in STEPS));
for (const name of names) {
  if (!(name in PAGES)) throw new Error(`there is no page ${name}: ${Object.keys(PAGES).join(", ")}`);
}
for (const page of names.length > 0 ? names : Object.keys(PAGES)) {
  for (const step of words.filter((word) => word in STEPS)) await STEPS[step](page);
}
