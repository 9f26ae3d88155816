// Calls, what is refused, and what is sent again.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Problem } from "../dist/index.js";
import { ALICE, mint, road, stoa } from "./server.mjs";

const quick = { firstMs: 10, longestMs: 50 };


test("what is asked for is answered", async () => {
  const client = stoa();
  const job = await mint(client, "Stone");
  assert.equal(job.to, ALICE);
  const params = { path: { id: job.id } };
  assert.equal((await client.get("/api/v1/mints/{id}", { params })).id, job.id);
  const { data, response } = await client.raw.GET("/api/v1/mints/{id}", { params });
  assert.equal(data.id, job.id);
  assert.equal(response.status, 200);
});

test("refusals are problems with codes", async () => {
  const client = stoa();
  const refused = async (asked, status, code) =>
    assert.rejects(asked, (error) => {
      assert.ok(error instanceof Problem);
      assert.deepEqual([error.status, error.code], [status, code]);
      assert.ok(error.requestId);
      return true;
    });
  const params = { path: { id: randomUUID() } };
  await refused(client.get("/api/v1/mints/{id}", { params }), 404, "mint_unknown");
  await refused(stoa({ key: undefined }).get("/api/v1/mints"), 401, "key_missing");
  const small = { body: { to: ALICE.toLowerCase().replace("c", "C"), metadata: { name: "x" } } };
  await assert.rejects(client.post("/api/v1/mints", small), (error) => {
    assert.equal(error.errors[0].pointer, "/to");
    return error.status === 422;
  });
  let asked = 0;
  const byFunction = stoa({ key: async () => { asked++; return "sk_dev_nonsense"; } });
  await refused(byFunction.get("/api/v1/mints"), 401, "key_invalid");
  assert.equal(asked, 1);
});

test("lists come page by page", async () => {
  const client = stoa();
  const made = [];
  for (let n = 0; n < 5; n++) made.push((await mint(client, `Page ${n}`)).id);
  const seen = [];
  for await (const job of client.pages("/api/v1/mints", { params: { query: { limit: 2 } } })) {
    seen.push(job.id);
  }
  assert.equal(new Set(seen).size, seen.length);
  for (const id of made) assert.ok(seen.includes(id));
});

test("an answer that was lost is asked for again, and nothing is done twice", async (t) => {
  const keys = [];
  const url = await road(t, (request) => {
    if (request.method !== "POST") return undefined;
    keys.push(request.headers["idempotency-key"]);
    return ["refuse", "lose", "lose"][keys.length - 1];
  });
  const client = stoa({ url, retries: quick });
  const before = await all(client);
  await mint(client, `Lost ${randomUUID()}`);
  assert.equal(keys.length, 4);
  assert.ok(keys[0]);
  assert.equal(new Set(keys).size, 1);
  assert.equal((await all(client)).length, before.length + 1);
});

async function all(client) {
  const rows = [];
  for await (const row of client.pages("/api/v1/mints")) rows.push(row);
  return rows;
}

test("what may not be sent twice is not", async (t) => {
  let asked = 0;
  const url = await road(t, () => { asked++; return "lose"; });
  const client = stoa({ url, retries: quick });
  await assert.rejects(client.post("/api/v1/auth/challenges", { body: { address: ALICE } }));
  assert.equal(asked, 1);
});

test("the server is waited for as long as it says, but not for ever", async (t) => {
  const busy = (seconds) => ({
    status: 429,
    headers: { "retry-after": String(seconds), "content-type": "application/problem+json" },
    body: JSON.stringify({ code: "rate_limited", status: 429, title: "Too much" }),
  });
  let seconds = [1];
  const url = await road(t, () => {
    const next = seconds.shift();
    return next === undefined ? undefined : busy(next);
  });
  const client = stoa({ url, retries: quick });
  const start = Date.now();
  await client.post("/api/v1/auth/challenges", { body: { address: ALICE } });
  assert.ok(Date.now() - start >= 990);
  seconds = [3600];
  await assert.rejects(client.get("/api/v1/items"), { code: "rate_limited", retryAfter: 3600 });
});

test("who gives up is not kept waiting", async (t) => {
  const url = await road(t, () => "refuse");
  const client = stoa({ url, retries: { attempts: 100, firstMs: 10_000 } });
  const signal = AbortSignal.timeout(200);
  await assert.rejects(client.get("/api/v1/items", { signal }));
});
