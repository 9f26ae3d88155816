// Makes src/generated of the API's own document. `--check` changes nothing, and fails when what is
// there is not what would be made.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const DOCUMENT = new URL("../../../../openapi/stoa.json", import.meta.url);
const TARGET = new URL("../src/generated/", import.meta.url);
const HEAD = "// Made of openapi/stoa.json by `npm run generate`. Not to be edited.\n\n";

function operations(document) {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  return all.filter(({ operation }) => operation.operationId);
}

const isKey = (parameter) => parameter.in === "header" && parameter.name === "Idempotency-Key";

/** File names with their contents. */
export async function generate() {
  const document = JSON.parse(await readFile(DOCUMENT, "utf8"));
  const all = operations(document);
  const keyed = all.filter(({ operation }) => operation.parameters?.some(isKey));
  const codes = Object.keys(document.components.examples ?? {}).sort();
  // The client makes one where none is given.
  for (const { operation } of keyed) operation.parameters.find(isKey).required = false;
  const list = (values) => values.map((value) => `  ${JSON.stringify(value)},\n`).join("");
  return {
    "schema.ts": HEAD + astToString(await openapiTS(document)),
    "operations.ts": `${HEAD}/** Requests that are done once for each \`Idempotency-Key\`. */
export const KEYED: ReadonlySet<string> = new Set([
${list(keyed.map(({ method, path }) => `${method.toUpperCase()} ${path}`))}]);

/** Codes of problems that this version of the API has. */
export const CODES = [
${list(codes)}] as const;
`,
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const files = Object.entries(await generate());
  await mkdir(TARGET, { recursive: true });
  for (const [name, text] of files) {
    const file = new URL(name, TARGET);
    if (!process.argv.includes("--check")) {
      await writeFile(file, text);
    } else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
      console.error(`${name} is not what openapi/stoa.json says: npm run generate`);
      process.exitCode = 1;
    }
  }
}
