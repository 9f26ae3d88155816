// The server that tests speak to, and a road to it on which things happen.
import { once } from "node:events";
import http from "node:http";
import { Stoa } from "../dist/index.js";

const { STOA_URL, STOA_KEY } = process.env;
if (!STOA_URL || !STOA_KEY) {
  throw new Error("STOA_URL and STOA_KEY name a running server and a key: see README.md");
}
export const url = STOA_URL;
export const key = STOA_KEY;
export const ALICE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

export const stoa = (options = {}) => new Stoa({ url, key, ...options });

const IMAGE = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

export const mint = (client, name) =>
  client.post("/api/v1/mints", { body: { to: ALICE, metadata: { name, image: IMAGE } } });

/**
 * Passes requests on to the server. What `decide` says of each happens to it: nothing; `"refuse"`;
 * `"lose"`, which carries it out and loses the answer; a number of bytes of the answer after which
 * the connection is cut; or an answer of its own.
 */
export async function road(t, decide) {
  const server = http.createServer((request, response) => {
    const what = decide(request);
    if (what === "refuse") return response.socket.destroy();
    if (typeof what === "object") {
      response.writeHead(what.status, what.headers);
      return response.end(what.body);
    }
    const { method, headers } = request;
    const onward = http.request(url + request.url, { method, headers }, (answer) => {
      if (what === "lose") {
        answer.resume();
        return answer.on("end", () => response.socket.destroy());
      }
      response.writeHead(answer.statusCode, answer.headers);
      let sent = 0;
      answer.on("data", (chunk) => {
        const part = typeof what === "number" ? chunk.subarray(0, Math.max(what - sent, 0)) : chunk;
        sent += chunk.length;
        response.write(part, () => part.length < chunk.length && response.socket?.destroy());
      });
      answer.on("end", () => response.end());
      answer.on("error", () => response.socket?.destroy());
    });
    onward.on("error", () => response.socket?.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}
