import { create } from "@bufbuild/protobuf";
import { Model_State, ModelSchema } from "@vitrine/contract/vitrine/vision/v1/model_service_pb.js";
import { describe, expect, it } from "vitest";
import { readHealth } from "./health";
import { byTask, standing } from "./modelWords";

describe("readHealth", () => {
  it("reads what the mesh says", () => {
    const body = {
      status: "degraded",
      version: "0.1.0",
      services: { ingest: { status: "healthy" }, vision: { status: "unhealthy" } },
    };
    expect(readHealth(body)).toEqual({
      status: "degraded",
      version: "0.1.0",
      services: [
        { name: "ingest", well: true },
        { name: "vision", well: false },
      ],
    });
  });

  it.each([["nothing", null], ["an error", { code: 14 }], ["another word", { status: "fine", services: {} }]])(
    "does not take %s for health",
    (_, body) => {
      expect(readHealth(body)).toBeNull();
    },
  );
});

describe("models", () => {
  const model = (task: string, name: string, selected = false) => create(ModelSchema, { task, model: name, selected });

  it("stand together by task, the chosen one first", () => {
    const tasks = byTask([model("b", "1"), model("a", "2"), model("b", "3", true)]);
    expect(tasks.map(({ task, models }) => [task, ...models.map((each) => each.model)])).toEqual([
      ["a", "2"],
      ["b", "3", "1"],
    ]);
  });

  it("say that they stand in for another before they say that they are ready", () => {
    const ready = { state: Model_State.READY };
    expect(standing(create(ModelSchema, { ...ready, degraded: true })).words).toBe("Stands in");
    expect(standing(create(ModelSchema, ready)).words).toBe("Ready");
  });
});
