// Writes what the crates publish as a text file: one line for each item, method and implementation, read off the pages
// of `cargo doc`.
//
//   node scripts/public-api.mjs            writes docs/reference/public-api.txt
//   node scripts/public-api.mjs --check    fails when the file is not what the pages say
//
// A change of the public face is so seen in a diff. Run `cargo doc --workspace --no-deps --locked` before.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'doc');
const file = join(root, 'docs/reference/public-api.txt');
const CRATES = ['agents', 'agents_client'];
// What the macros and the fuzz targets use is public for the compiler alone.
const HIDDEN = ['__rt', 'fuzzing'];

const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'", nbsp: ' ' };

function text(html) {
  return html
    .replace(/<span class="comment">.*?<\/span>/gs, '..')
    .replace(/<(div|br)[^>]*>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/&(#?\w+);/g, (all, name) => ENTITIES[name] ?? all)
    .replace(/\s+/g, ' ')
    .trim();
}

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) {
      if (!HIDDEN.includes(entry.name)) yield* walk(join(folder, entry.name));
    } else if (entry.name.endsWith('.html') && entry.name !== 'all.html') {
      yield join(folder, entry.name);
    }
  }
}

function all(html, pattern) {
  return [...html.matchAll(pattern)].map((match) => text(match[1]));
}

/** The part of a page between two of its headings. */
function part(html, from, to) {
  const start = html.indexOf(`id="${from}"`);
  if (start < 0) return '';
  const ends = to.map((id) => html.indexOf(`id="${id}"`, start)).filter((end) => end > 0);
  return html.slice(start, ends.length ? Math.min(...ends) : undefined);
}

function describe(path) {
  const html = readFileSync(path, 'utf8');
  const parts = relative(pages, path).split('/');
  const name = parts.pop();
  if (name === 'index.html') {
    const uses = all(html, /id="reexport\.[^"]*"><code>(.*?)<\/code>/gs);
    return uses.length ? [parts.join('::'), uses] : undefined;
  }
  const declaration = /<pre class="rust (?:item-decl|macro)"><code>(.*?)<\/code><\/pre>/s.exec(html);
  // A page that only leads to another one.
  if (!declaration) return undefined;
  const item = [...parts, name.split('.')[1]].join('::');
  const later = ['trait-implementations', 'synthetic-implementations', 'blanket-implementations'];
  const methods = all(part(html, 'implementations', later), /<h4 class="code-header">(.*?)<\/h4>/gs);
  const traits = part(html, 'trait-implementations-list', later.slice(1));
  const impls = all(traits, /<section id="impl-[^"]*" class="impl">.*?<h3 class="code-header">(.*?)<\/h3>/gs);
  return [item, [text(declaration[1]), ...methods.sort(), ...impls.sort()]];
}

const lines = [];
for (const crate of CRATES) {
  for (const path of walk(join(pages, crate))) {
    const found = describe(path);
    if (found) lines.push(found[0], ...found[1].map((line) => `    ${line}`));
  }
}
if (lines.length < 500) throw new Error(`only ${lines.length} lines: were the pages made with all crates?`);
const now = `${lines.join('\n')}\n`;

if (process.argv.includes('--check')) {
  const before = readFileSync(file, 'utf8');
  if (before !== now) {
    const [old, fresh] = [new Set(before.split('\n')), new Set(now.split('\n'))];
    for (const line of old) if (!fresh.has(line)) console.error(`- ${line.trim()}`);
    for (const line of fresh) if (!old.has(line)) console.error(`+ ${line.trim()}`);
    console.error('the public face has changed: look at it, and write it down with `node scripts/public-api.mjs`');
    process.exit(1);
  }
} else {
  writeFileSync(file, now);
  console.log(`${lines.length} lines in ${relative(root, file)}`);
}
