// What was made of the API's document is what it says now.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { generate } from "../scripts/generate.mjs";

test("generated files are up to date", async () => {
  for (const [name, text] of Object.entries(await generate())) {
    const file = new URL(`../src/generated/${name}`, import.meta.url);
    assert.ok((await readFile(file, "utf8")) === text, `${name}: npm run generate`);
  }
});
