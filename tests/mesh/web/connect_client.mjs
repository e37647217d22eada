// Calls a mesh through gRPC-Web with connect-web. Usage: node connect_client.mjs BASE_URL
// Each line of the input is a call: {service, method, request, token}, the request in proto JSON. Each line of the
// output is its answer: {messages, failure}, in proto JSON too; failure is null or {code, message, details}.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRegistry, fromJson, toJson } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import * as details from "@vitrine/contract/google/rpc/error_details_pb.js";

const [baseUrl] = process.argv.slice(2);
const contract = join(dirname(fileURLToPath(import.meta.url)), "../../../gen/web/vitrine");
const files = readdirSync(contract, { recursive: true }).filter((path) => path.endsWith("_pb.js"));
const modules = await Promise.all(files.map((path) => import(pathToFileURL(join(contract, path)).href)));
const described = modules.flatMap((module) => Object.values(module)).filter((it) => it?.kind === "file");
const registry = createRegistry(...described, details.file_google_rpc_error_details);

function transport(token) {
  const bearer = (next) => (request) => {
    if (token) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createGrpcWebTransport({ baseUrl, interceptors: [bearer] });
}

function failure(error) {
  const known = ConnectError.from(error);
  const kinds = [details.ErrorInfoSchema, details.BadRequestSchema, details.RetryInfoSchema];
  const found = kinds.flatMap((kind) => known.findDetails(kind).map((it) => toJson(AnySchema, anyPack(kind, it), { registry })));
  return { code: known.code, message: known.rawMessage, details: found };
}

async function call({ service, method, request, token }) {
  const description = registry.getService(service);
  const rpc = description.methods.find((it) => it.name === method);
  const client = createClient(description, transport(token));
  const messages = [];
  try {
    const answer = client[rpc.localName](fromJson(rpc.input, request, { registry }));
    const all = rpc.methodKind === "server_streaming" ? answer : [await answer];
    for await (const message of all) messages.push(toJson(rpc.output, message, { registry }));
    return { messages, failure: null };
  } catch (error) {
    return { messages, failure: failure(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await call(JSON.parse(line)))}\n`);
}
