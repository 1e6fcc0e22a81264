// Extracts the TypeScript programs from the guides, so that the compiler checks them: `npm run check`. The
// programs are written for the example `chat`, or declare their types themselves.

import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const here = import.meta.dirname;
const folder = join(here, "guide");
const guides = ["README.md", "docs/clients.md", "docs/from-cloudflare.md"];

await rm(folder, { recursive: true, force: true });
await mkdir(folder);
await cp(join(here, "chat/agents"), join(folder, "agents"), { recursive: true });
// The hook is the same for all programs.
for (const file of ["react.ts", "runtime/shared.ts"]) {
  await cp(join(here, "game-react/agents", file), join(folder, "agents", file));
}

let count = 0;
for (const guide of guides) {
  const text = await readFile(join(here, "../..", guide), "utf8");
  for (const { index, 1: kind, 2: program } of text.matchAll(/^```(tsx?)\n(.*?)^```$/gms)) {
    // The output of the generator is shown in the guides too. It is compiled elsewhere.
    if (program.startsWith("export type")) continue;
    const line = text.slice(0, index).split("\n").length;
    const name = `${guide.replace(/\W+/g, "-")}-line-${line}.${kind}`;
    await writeFile(join(folder, name), program.includes("export ") ? program : `${program}\nexport {};\n`);
    count += 1;
  }
}
if (count < 5) throw new Error(`only ${count} programs were found in the guides`);
