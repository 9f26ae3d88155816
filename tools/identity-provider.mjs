// An OpenID Connect provider for tests: `oidc-provider`, with one client, one account at a time and
// nobody to click. It listens on a free port and prints its issuer as one line of JSON; it ends when
// its input does.
//
// `POST /control` decides what it does from now on:
//   account  {sub, name, groups}: who signs in
//   deny     the user says no
//   rotate   another key signs, and only that one is published
//   twist    what the next ID token is made into: {claims, alg, kid, key, drop}
//   hang     answers nothing
//   flood    its document has more than a megabyte

import crypto from "node:crypto";
import http from "node:http";
import Provider from "oidc-provider";

const [clientId, clientSecret, redirectUri] = process.argv.slice(2);
const state = { account: { sub: "ada", name: "Ada", groups: [] }, serial: 0 };
let issuer, provider, key;

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function makeKey() {
  const { privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...privateKey.export({ format: "jwk" }), kid: `key-${++state.serial}`, use: "sig", alg: "RS256" };
  return { privateKey, jwk };
}

function makeProvider() {
  key = makeKey();
  provider = new Provider(issuer, {
    jwks: { keys: [key.jwk] },
    clients: [{
      client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri],
      response_types: ["code"], grant_types: ["authorization_code"],
    }],
    pkce: { required: () => true },
    scopes: ["openid", "profile", "groups"],
    claims: { openid: ["sub"], profile: ["name"], groups: ["groups"] },
    conformIdTokenClaims: false,
    cookies: { keys: ["of tests"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...state.account, sub }) }),
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      const known = session.grantIdFor(client.clientId);
      const found = known && (await ctx.oidc.provider.Grant.find(known));
      if (found) return found;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid profile groups");
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === "/token" && state.twist && ctx.body?.id_token) {
      ctx.body = { ...ctx.body, id_token: twisted(ctx.body.id_token, state.twist) };
      if (state.twist.drop) delete ctx.body.id_token;
      delete state.twist;
    }
  });
}

function twisted(token, { claims, alg, kid, key: other }) {
  const [head, body] = token.split(".").map((part) => Buffer.from(part, "base64url"));
  const header = { ...JSON.parse(head), ...(alg && { alg }), ...(kid && { kid }) };
  const signed = `${encoded(header)}.${encoded({ ...JSON.parse(body), ...claims })}`;
  if (alg === "none") return `${signed}.`;
  if (alg === "HS256") {
    return `${signed}.${crypto.createHmac("sha256", clientSecret).update(signed).digest("base64url")}`;
  }
  const by = other ? makeKey().privateKey : key.privateKey;
  return `${signed}.${crypto.sign("sha256", Buffer.from(signed), by).toString("base64url")}`;
}

async function interact(request, response) {
  const result = state.deny
    ? { error: "access_denied", error_description: "said no" }
    : { login: { accountId: state.account.sub } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function control(request, response) {
  let text = "";
  for await (const chunk of request) text += chunk;
  const { rotate, ...rest } = JSON.parse(text);
  Object.assign(state, rest);
  if (rotate) makeProvider();
  response.end("{}");
}

const server = http.createServer((request, response) => {
  const trouble = (error) => { response.statusCode = 500; response.end(String(error)); };
  if (request.url === "/control") return control(request, response).catch(trouble);
  if (state.hang) return undefined;
  if (state.flood && request.url.startsWith("/.well-known")) {
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify({ issuer, filler: "x".repeat(1 << 20) }));
  }
  if (request.url.startsWith("/interaction/")) return interact(request, response).catch(trouble);
  return provider.callback()(request, response);
});
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  makeProvider();
  // The library has things to say, and nobody reads on.
  console.log(JSON.stringify({ issuer }));
  console.info = console.warn = () => {};
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
