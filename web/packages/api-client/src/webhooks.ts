/** What a webhook brings. */
export interface WebhookEvent {
  /** The kind of the fact, or `test`. */
  type: string;
  timestamp: string;
  data: {
    topic?: string;
    epoch?: number;
    seq?: number;
    type?: "delta" | "reorg";
    kind?: string;
    [name: string]: unknown;
  };
}

/** It does not come from who holds the secret, or not now. */
export class WebhookRefused extends Error {
  override readonly name = "WebhookRefused";
}

export interface WebhookRequest {
  headers: Headers | Record<string, string | string[] | undefined>;
  /** As it came: not parsed and written again. */
  body: string | Uint8Array;
}

const TOLERANCE_S = 300;

/**
 * Check a request as Standard Webhooks 1.0 says, and read it. `secret` is the `whsec_…` of an
 * endpoint, or its `whpk_…` with signatures by Ed25519; several while one is being changed.
 *
 * Whoever takes webhooks keeps their ids, too (`webhook-id`): one may come twice.
 *
 * @throws WebhookRefused
 */
export async function verifyWebhook(
  secret: string | readonly string[],
  request: WebhookRequest,
  options: { toleranceSeconds?: number; now?: Date } = {},
): Promise<WebhookEvent & { id: string }> {
  const id = header(request, "webhook-id");
  const sent = header(request, "webhook-timestamp");
  const signatures = header(request, "webhook-signature").split(" ");
  const now = (options.now ?? new Date()).getTime() / 1_000;
  const tolerance = options.toleranceSeconds ?? TOLERANCE_S;
  if (!/^\d{1,12}$/.test(sent) || Math.abs(now - Number(sent)) > tolerance) {
    throw new WebhookRefused("the timestamp is not of now");
  }
  const body = typeof request.body === "string" ? encode(request.body) : request.body;
  const content = concat(encode(`${id}.${sent}.`), body);
  for (const one of typeof secret === "string" ? [secret] : secret) {
    if (await isSigned(one, content, signatures)) {
      return { id, ...(JSON.parse(new TextDecoder().decode(body)) as WebhookEvent) };
    }
  }
  throw new WebhookRefused("no signature is by this secret");
}

async function isSigned(secret: string, content: Bytes, signatures: string[]): Promise<boolean> {
  const isPublic = secret.startsWith("whpk_");
  const bytes = decode(secret.replace(/^whsec_|^whpk_/, ""));
  if (!bytes || bytes.length === 0) throw new TypeError("not the secret of a webhook");
  const algorithm = isPublic ? { name: "Ed25519" } : { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  const version = isPublic ? "v1a," : "v1,";
  for (const one of signatures) {
    const signature = one.startsWith(version) ? decode(one.slice(version.length)) : undefined;
    // In constant time.
    if (signature && (await crypto.subtle.verify(algorithm, key, signature, content))) return true;
  }
  return false;
}

type Bytes = Uint8Array<ArrayBuffer>;

function header({ headers }: WebhookRequest, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : headers[name];
  if (typeof value !== "string" || value === "") throw new WebhookRefused(`no ${name}`);
  return value;
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function concat(one: Uint8Array, other: Uint8Array): Bytes {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}

/** None when it is not base64. */
function decode(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
