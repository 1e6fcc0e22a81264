// Copies the client to where the command `types` takes it from, as TypeScript and as JavaScript with declarations.
// With --check nothing is written, and a difference is an error.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));
const TARGET = fileURLToPath(new URL("../../../agents-core/src/typescript/client", import.meta.url));
/** The types of one program; every program has its own. */
const SAMPLE = "agents.ts";

const check = process.argv.includes("--check");
const sources = (await readdir(SOURCES, { recursive: true })).filter((name) => name.endsWith(".ts") && name !== SAMPLE);
const files = new Map();
for (const name of sources) files.set(name, await readFile(join(SOURCES, name), "utf8"));

const program = ts.createProgram(
  [...sources, SAMPLE].map((name) => join(SOURCES, name)),
  {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
    types: [],
    strict: true,
    declaration: true,
    newLine: ts.NewLineKind.LineFeed,
    rootDir: SOURCES,
    outDir: SOURCES,
  },
);
const { diagnostics } = program.emit(undefined, (path, text) => {
  const name = relative(SOURCES, path);
  if (!/^agents\./.test(name)) files.set(name, text);
});
const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (problems.length) {
  console.error(ts.formatDiagnostics(problems, { getCanonicalFileName: String, getCurrentDirectory: () => SOURCES, getNewLine: () => "\n" }));
  process.exit(1);
}

const found = (await readdir(TARGET, { recursive: true }).catch(() => [])).filter((name) => name.endsWith("s"));
let drift = found.filter((name) => !files.has(name));
if (!check) for (const name of drift) await rm(join(TARGET, name));
for (const [name, text] of files) {
  const path = join(TARGET, name);
  if ((await readFile(path, "utf8").catch(() => "")) === text) continue;
  drift.push(name);
  if (check) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
if (check && drift.length) {
  console.error(`out of date, run \`npm run build\` in agents-client/typescript: ${drift.join(", ")}`);
  process.exit(1);
}
