import createClient, { type Client, type FetchOptions, type MaybeOptionalInit } from "openapi-fetch";
import type {
  HttpMethod, PathsWithMethod, RequiredKeysOf, SuccessResponseJSON,
} from "openapi-typescript-helpers";
import { KEYED } from "./generated/operations.js";
import type { components, paths } from "./generated/schema.js";
import { Problem } from "./problem.js";
import { RETRIES, type Retries, retrying } from "./retries.js";
import { type Following, type Message, follow } from "./stream.js";

export interface Options {
  /** Where the server is, without `/api/v1`: `https://stoa.example.org`. */
  url: string;
  /**
   * An API key or an access token; or how to come by one, asked before each request, so that a token
   * can be refreshed.
   */
  key?: string | (() => string | Promise<string>);
  /** In browsers that are signed in with cookies. */
  cookies?: boolean;
  retries?: Partial<Retries>;
  fetch?: typeof globalThis.fetch;
}

type Init<Path extends keyof paths, Method extends HttpMethod> =
  Method extends keyof paths[Path] ? MaybeOptionalInit<paths[Path], Method> : never;
type Arguments<I> = RequiredKeysOf<I> extends never ? [init?: I] : [init: I];
type Answer<Path extends keyof paths, Method extends HttpMethod> =
  Method extends keyof paths[Path]
    ? paths[Path][Method] extends Record<string | number, unknown>
      ? SuccessResponseJSON<paths[Path][Method]>
      : never
    : never;

/** Paths of lists that come in pages. */
type Listed = {
  [Path in PathsWithMethod<paths, "get">]:
    Answer<Path, "get"> extends { items: unknown[]; next_cursor?: string | null } ? Path : never;
}[PathsWithMethod<paths, "get">];
type Row<Path extends Listed> =
  Answer<Path, "get"> extends { items: (infer One)[] } ? One : never;

export type Fact = components["schemas"]["Fact"];

/** The API of one server. */
export class Stoa {
  /** `openapi-fetch`, for whoever wants headers and statuses: refusals are values there. */
  readonly raw: Client<paths>;
  readonly #options: Options;
  readonly #fetch: typeof globalThis.fetch;

  constructor(options: Options) {
    this.#options = { ...options, url: options.url.replace(/\/+$/, "") };
    this.#fetch = options.fetch ?? ((...all) => globalThis.fetch(...all));
    this.raw = createClient<paths>({
      baseUrl: this.#options.url,
      credentials: options.cookies ? "include" : "same-origin",
      fetch: retrying(this.#fetch, { ...RETRIES, ...options.retries }),
    });
    this.raw.use({
      onRequest: async ({ request, schemaPath }) => {
        await this.#authorize(request.headers);
        const isKeyed = KEYED.has(`${request.method} ${schemaPath}`);
        if (isKeyed && !request.headers.has("idempotency-key")) {
          request.headers.set("idempotency-key", crypto.randomUUID());
        }
        return request;
      },
    });
  }

  get<P extends PathsWithMethod<paths, "get">>(path: P, ...init: Arguments<Init<P, "get">>) {
    return this.#call<P, "get">("GET", path, init);
  }

  post<P extends PathsWithMethod<paths, "post">>(path: P, ...init: Arguments<Init<P, "post">>) {
    return this.#call<P, "post">("POST", path, init);
  }

  put<P extends PathsWithMethod<paths, "put">>(path: P, ...init: Arguments<Init<P, "put">>) {
    return this.#call<P, "put">("PUT", path, init);
  }

  patch<P extends PathsWithMethod<paths, "patch">>(path: P, ...init: Arguments<Init<P, "patch">>) {
    return this.#call<P, "patch">("PATCH", path, init);
  }

  delete<P extends PathsWithMethod<paths, "delete">>(
    path: P, ...init: Arguments<Init<P, "delete">>
  ) {
    return this.#call<P, "delete">("DELETE", path, init);
  }

  /** Everything in a list, page by page as it is asked for. */
  async *pages<P extends Listed>(
    path: P, ...init: Arguments<Init<P, "get">>
  ): AsyncGenerator<Row<P>, void, void> {
    const given = (init[0] ?? {}) as FetchOptions<unknown> & { params?: { query?: object } };
    let cursor: string | null | undefined;
    do {
      const query = { ...given.params?.query, ...(cursor ? { cursor } : {}) };
      const params = { ...given.params, query };
      const one = [{ ...given, params }] as unknown as Arguments<Init<P, "get">>;
      const page = (await this.get(path, ...one)) as { items: Row<P>[]; next_cursor?: string | null };
      yield* page.items;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Facts of a topic that are numbered above `after`, up to where the log stands by then. */
  async *facts(
    topic: Following["topic"],
    options: { after?: number; level?: components["schemas"]["FactLevel"] } = {},
  ): AsyncGenerator<Fact, void, void> {
    for (let after = options.after ?? 0; ;) {
      const query = { topic, after, limit: 200, ...(options.level && { level: options.level }) };
      const page = await this.get("/api/v1/facts", { params: { query } });
      yield* page.facts;
      if (page.next_after <= after) return;
      after = page.next_after;
    }
  }

  /** See {@link follow}. */
  follow(wanted: Following): AsyncGenerator<Message, void, void> {
    const open = async (path: string, signal: AbortSignal) => {
      const headers = new Headers({ accept: "text/event-stream" });
      await this.#authorize(headers);
      const credentials = this.#options.cookies ? "include" : "same-origin";
      return this.#fetch(this.#options.url + path, { headers, signal, credentials });
    };
    return follow({ open }, wanted);
  }

  async #authorize(headers: Headers): Promise<void> {
    const { key } = this.#options;
    if (key === undefined || headers.has("authorization")) return;
    headers.set("authorization", `Bearer ${typeof key === "function" ? await key() : key}`);
  }

  async #call<P extends keyof paths, M extends HttpMethod>(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: P,
    init: readonly unknown[],
  ): Promise<Answer<P, M>> {
    const call = this.raw[method] as unknown as (path: P, ...init: readonly unknown[]) => Promise<{
      data?: Answer<P, M>; error?: object; response: Response;
    }>;
    const { data, error, response } = await call(path, ...init);
    if (!response.ok) throw new Problem(response, error ?? {});
    return data as Answer<P, M>;
  }
}
