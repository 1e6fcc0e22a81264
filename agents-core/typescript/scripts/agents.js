// Writes `src/agents.ts`, the types of the server `conformance`. The client is checked and tested with them.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR || join(FOLDER, "../../target");
const PROGRAM = process.env.AGENTS_TEST_SERVER || join(TARGET, "debug", "conformance");

execFileSync(PROGRAM, ["types", "--types-only", "--accept-states", "--out", join(FOLDER, "src")], { stdio: ["ignore", "ignore", "inherit"] });
