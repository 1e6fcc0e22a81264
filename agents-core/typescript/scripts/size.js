// Prints the size of the client in a page in bytes: minified, and minified and compressed.

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));

/** Returns a bundle that uses `names` of `from`, without the packages in `external`. */
async function bundle(from, names, external) {
  const { outputFiles } = await build({
    stdin: { contents: `import { ${names} } from "./${from}";\nconsole.log(${names});`, resolveDir: SOURCES, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    external,
    // The bundle has no types of a program: `src/agents.ts` belongs to the tests.
    plugins: [
      {
        name: "no-agents",
        setup(build) {
          build.onLoad({ filter: /src\/agents\.ts$/ }, () => ({ contents: "export const agents = {};", loader: "ts" }));
        },
      },
    ],
  });
  return outputFiles[0].contents;
}

const react = ["react", "react-dom"];
const rows = [
  ["the client alone", await bundle("client.ts", "connect", ["partysocket", ...react])],
  ["with partysocket", await bundle("client.ts", "connect", react)],
  ["with partysocket and the hook", await bundle("react.ts", "useAgent", react)],
  ["only `AgentError`", await bundle("client.ts", "AgentError", react)],
];
for (const [what, bytes] of rows) {
  console.log(`${what.padEnd(30)} ${String(bytes.length).padStart(6)} B   ${String(gzipSync(bytes).length).padStart(6)} B gzip`);
}
const [, , , error] = rows.map(([, bytes]) => bytes.length);
if (error > 1_000) throw new Error("the bundle of `AgentError` contains unused parts");
