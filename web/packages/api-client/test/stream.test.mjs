// The stream: whatever happens on the way, each fact comes once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../dist/index.js";
import { mint, road, stoa } from "./server.mjs";

async function until(messages, isLast) {
  const seen = [];
  for await (const message of messages) {
    seen.push(message);
    if (isLast(message)) return seen;
  }
  assert.fail("the stream ended");
}

const ends = (id) => (message) =>
  message.data.mint_id === id && ["tentative", "failed"].includes(message.data.status);

test("facts follow their snapshot", async () => {
  const client = stoa();
  const following = client.follow({ topic: "mints" });
  const first = (await following.next()).value;
  assert.equal(first.type, "snapshot");
  const job = await mint(client, "Followed");
  const seen = await until(following, ends(job.id));
  assert.equal(seen[0].prev_seq, first.seq);
  assert.deepEqual(seen.map((m) => m.prev_seq).slice(1), seen.map((m) => m.seq).slice(0, -1));
});

test("connections that are cut lose and double nothing", async (t) => {
  let connections = 0;
  const url = await road(t, (request) => {
    if (!request.url.startsWith("/api/v1/events")) return undefined;
    connections++;
    if (connections % 5 === 0) return "refuse";
    return Math.floor(Math.random() * 12_000);
  });
  const client = stoa({ url });
  const jobs = [];
  const asking = (async () => {
    for (let n = 0; n < 30; n++) jobs.push(await mint(client, `Cut ${n}`));
  })();
  const seen = [];
  const ended = new Set();
  for await (const message of client.follow({ topic: "mints", after: { seq: 0 } })) {
    seen.push(message.seq);
    if (message.data.status === "tentative") ended.add(message.data.mint_id);
    if (jobs.length === 30 && jobs.every(({ id }) => ended.has(id))) break;
  }
  await asking;
  const told = [];
  for await (const fact of stoa().facts("mints")) if (fact.seq <= seen.at(-1)) told.push(fact.seq);
  assert.deepEqual(seen, told);
  assert.ok(connections > 3, `${connections} connections`);
});

test("a place that is not in the log starts over", async () => {
  const following = stoa().follow({ topic: "items", after: { epoch: 1, seq: 1_000_000 } });
  assert.equal((await following.next()).value.type, "snapshot");
  await following.return();
});

test("who may not follow is told", async () => {
  await assert.rejects(stoa({ key: undefined }).follow({ topic: "mints" }).next(), (error) =>
    error instanceof Problem && error.code === "key_missing");
});

test("it ends when it is to", async () => {
  const following = stoa().follow({ topic: "items", signal: AbortSignal.timeout(300) });
  let count = 0;
  for await (const _ of following) count++;
  assert.ok(count >= 1);
});
