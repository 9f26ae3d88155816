// The example of README.md does what it says.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";

test("the example runs", async (t) => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, example] = /```js\n([^]*?)```/.exec(readme);
  // Beside the package's own manifest, by whose name it is imported.
  const file = new URL(`../example-${process.pid}.mjs`, import.meta.url);
  await writeFile(file, example);
  t.after(() => rm(file));
  const { stdout } = await promisify(execFile)(process.execPath, [file.pathname], { timeout: 60_000 });
  const lines = stdout.trim().split("\n");
  assert.match(lines[0], /^asked for [0-9a-f-]{36}$/);
  assert.ok(lines.includes("tentative"), stdout);
  assert.match(lines.at(-2), /^\d+ items$/);
  assert.equal(lines.at(-1), "refused: mint_unknown");
});
