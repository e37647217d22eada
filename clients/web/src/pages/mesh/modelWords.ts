import { type Model, Model_State } from "@vitrine/contract/vitrine/vision/v1/model_service_pb.js";
import type { Tone } from "../../design/Chip";

interface Standing {
  readonly words: string;
  readonly tone: Tone;
}

/** Models of one task; the one that the settings choose comes first. */
export interface Task {
  readonly task: string;
  readonly models: readonly Model[];
}

const STATES: Readonly<Record<Model_State, Standing>> = {
  [Model_State.UNSPECIFIED]: { words: "Not stated", tone: "plain" },
  [Model_State.AVAILABLE]: { words: "Not switched on", tone: "plain" },
  [Model_State.LOADING]: { words: "Loading", tone: "warning" },
  [Model_State.READY]: { words: "Ready", tone: "good" },
  [Model_State.FAILED]: { words: "Failed", tone: "bad" },
};

/**
 * Says where a model stands.
 *
 * @param model The model.
 */
export function standing(model: Model): Standing {
  return model.degraded ? { words: "Stands in", tone: "warning" } : STATES[model.state];
}

/**
 * Puts models of one task together, tasks by name.
 *
 * @param models All models.
 */
export function byTask(models: readonly Model[]): Task[] {
  const tasks = new Map<string, Model[]>();
  for (const model of models) tasks.set(model.task, [...(tasks.get(model.task) ?? []), model]);
  return [...tasks]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([task, each]) => ({ task, models: each.toSorted((one, other) => Number(other.selected) - Number(one.selected)) }));
}
