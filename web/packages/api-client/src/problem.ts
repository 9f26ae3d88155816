import type { CODES } from "./generated/operations.js";
import type { components } from "./generated/schema.js";

/** Codes that this version knows; a later server may have more. */
export type Code = (typeof CODES)[number] | (string & {});

export type FieldError = components["schemas"]["FieldError"];

/** An answer that is an error (RFC 9457). Act on `code`: it never changes its meaning. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: Code;
  readonly title: string;
  readonly detail: string | undefined;
  /** What is wrong where: JSON pointers into the body, or `?name` of a query parameter. */
  readonly errors: readonly FieldError[];
  /** To be quoted when asking for help. */
  readonly requestId: string | undefined;
  /** Seconds after which to try again, where the server said so. */
  readonly retryAfter: number | undefined;

  constructor(response: Response, body: Partial<components["schemas"]["Problem"]>) {
    const title = body.title ?? `HTTP status ${response.status}`;
    const code = body.code ?? "unknown";
    const fields = (body.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`);
    super(`${code}: ${[title, body.detail, ...fields].filter(Boolean).join("; ")}`);
    this.status = response.status;
    this.code = code;
    this.title = title;
    this.detail = body.detail ?? undefined;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id ?? response.headers.get("x-request-id") ?? undefined;
    this.retryAfter = retryAfter(response);
  }

  /** Of an answer that is no success. Its body is read. */
  static async of(response: Response): Promise<Problem> {
    const body: unknown = await response.json().catch(() => ({}));
    return new Problem(response, typeof body === "object" && body !== null ? body : {});
  }
}

/** `Retry-After` in seconds; the server sends no dates. */
export function retryAfter(response: Response): number | undefined {
  const text = response.headers.get("retry-after");
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}
