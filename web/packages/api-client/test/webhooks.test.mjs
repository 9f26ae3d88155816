// Webhooks that the server sends, and others.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { WebhookRefused, verifyWebhook } from "../dist/index.js";
import { stoa } from "./server.mjs";

async function receive(t) {
  const received = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { received, url: `http://127.0.0.1:${server.address().port}/hook` };
}

for (const signature of ["hmac", "ed25519"]) {
  test(`what the server signs by ${signature} is believed, and nothing else`, async (t) => {
    const { received, url } = await receive(t);
    const client = stoa();
    const body = { url, topics: ["items"], signature };
    const endpoint = await client.post("/api/v1/webhooks", { body });
    const path = { id: endpoint.id };
    t.after(() => client.delete("/api/v1/webhooks/{id}", { params: { path } }));
    await client.post("/api/v1/webhooks/{id}/test", { params: { path } });
    assert.equal(received.length, 1);
    const [request] = received;
    const secret = endpoint.secret ?? endpoint.public_key;
    const event = await verifyWebhook(secret, request);
    assert.deepEqual([event.type, event.id], ["test", request.headers["webhook-id"]]);
    const text = request.body.toString();
    assert.equal((await verifyWebhook(["whsec_b3RoZXI=", secret], { ...request, body: text })).type, "test");
    const later = new Date(Date.now() + 310_000);
    const others = [
      [secret, { ...request, body: text.replace("test", "tset") }],
      [secret, { ...request, headers: { ...request.headers, "webhook-id": "other" } }],
      [secret, { ...request, headers: { ...request.headers, "webhook-signature": "" } }],
      [secret, { ...request, headers: { ...request.headers, "webhook-signature": "v1,AAAA v1a,!" } }],
      ["whsec_b3RoZXI=", request],
      [secret, request, { now: later }],
      [secret, request, { now: new Date(Date.now() - 310_000) }],
    ];
    for (const [n, other] of others.entries()) {
      await assert.rejects(verifyWebhook(...other), WebhookRefused, `case ${n}`);
    }
  });
}
