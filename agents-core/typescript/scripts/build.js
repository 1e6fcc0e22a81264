// Builds the form of the client for pages that are not compiled: JavaScript with declarations, from `src` into `dist`.
// With --check the script writes nothing, and a difference is an error.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));
const TARGET = fileURLToPath(new URL("../dist", import.meta.url));
/** The file with the types of one program. Only a built program can write it, so the build of the client does without. */
const AGENTS = join(SOURCES, "agents.ts");
const NO_AGENTS = "export interface Agents {}\nexport const agents = {} as const;\n";

const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  types: [],
  strict: true,
  declaration: true,
  newLine: ts.NewLineKind.LineFeed,
  rootDir: SOURCES,
  outDir: TARGET,
};

/** Returns the paths of all files in a folder. */
async function list(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Returns a compiler host that reads the sources, with an empty `agents.ts`. */
function compilerHost() {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => path === AGENTS || fileExists(path);
  host.readFile = (path) => (path === AGENTS ? NO_AGENTS : readFile(path));
  return host;
}

// The command `types` writes a record beside the types, which is no source.
const sources = (await list(SOURCES)).filter((path) => path.endsWith(".ts") && path !== AGENTS);
const program = ts.createProgram([...sources, AGENTS], options, compilerHost());
const built = new Map();
const { diagnostics } = program.emit(undefined, (path, text, _, __, [source]) => {
  if (source.fileName === AGENTS) return;
  const name = relative(SOURCES, source.fileName);
  built.set(path, `// Built from \`agents-core/typescript/src/${name}\` by \`npm run build\`; \`npm run check\` compares the two.\n${text}`);
});
const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (problems.length) {
  console.error(ts.formatDiagnostics(problems, { getCanonicalFileName: String, getCurrentDirectory: () => SOURCES, getNewLine: () => "\n" }));
  process.exit(1);
}

const check = process.argv.includes("--check");
const drift = (await list(TARGET)).filter((path) => !built.has(path));
if (!check) for (const path of drift) await rm(path);
for (const [path, text] of built) {
  if ((await readFile(path, "utf8").catch(() => "")) === text) continue;
  drift.push(path);
  if (check) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
if (check && drift.length) {
  const names = drift.map((path) => relative(TARGET, path)).join(", ");
  console.error(`\`dist\` is not built from this \`src\`; run \`npm run build\` in agents-core/typescript: ${names}`);
  process.exit(1);
}
