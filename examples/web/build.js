// Builds the pages of one example, or of all, into `dist/NAME`: node build.js [NAME]

import { readdirSync } from "node:fs";
import { join } from "node:path";

import react from "@vitejs/plugin-react";
import { build } from "vite";

const PAGES = ["chat", "docs", "game-react"];
const here = import.meta.dirname;

const names = process.argv.length > 2 ? process.argv.slice(2) : PAGES;
for (const name of names) {
  if (!PAGES.includes(name)) throw new Error(`there is no page ${name}: ${PAGES.join(", ")}`);
  const root = join(here, name);
  const pages = readdirSync(root).filter((file) => file.endsWith(".html"));
  await build({
    root,
    base: "./",
    plugins: [react()],
    build: {
      outDir: join(here, "dist", name),
      emptyOutDir: true,
      rolldownOptions: { input: pages.map((page) => join(root, page)) },
    },
    logLevel: "warn",
  });
}
