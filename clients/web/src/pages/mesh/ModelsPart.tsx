import { useQuery } from "@connectrpc/connect-query";
import { type Model, ModelService } from "@vitrine/contract/vitrine/vision/v1/model_service_pb.js";
import { Card, Chip, EmptyState, ErrorNotice, Loading, Skeleton } from "../../design";
import { asFailure } from "../../rpc/queries";
import { duration } from "../../words/time";
import { byTask, standing } from "./modelWords";

const EVERY_MS = 15_000;
const MOST = 200;
// What takes less is written as 0.0.
const SHOWN_FROM_MS = 0.05;

/** Every model: what it does, its licence, where it comes from, where it stands and how fast it is. */
export function ModelsPart() {
  const { data, error, refetch } = useQuery(
    ModelService.method.listModels,
    { pageSize: MOST },
    { refetchInterval: EVERY_MS },
  );
  if (data === undefined && error !== null) {
    return <ErrorNotice failure={asFailure(error)} onRetry={() => void refetch()} />;
  }
  if (data === undefined) return <ModelsSkeleton />;
  if (data.models.length === 0) {
    return <EmptyState title="No models">The vision service has none: are its model files there?</EmptyState>;
  }
  return (
    <>
      {error !== null && <ErrorNotice failure={asFailure(error)} onRetry={() => void refetch()} />}
      <div className="tasks">
        {byTask(data.models).map(({ task, models }) => (
          <section key={task} className="task">
            <h2 className="task__name">{task}</h2>
            {models.map((model) => (
              <ModelCard key={model.name} model={model} />
            ))}
          </section>
        ))}
      </div>
    </>
  );
}

function ModelCard({ model }: { readonly model: Model }) {
  const { words, tone } = standing(model);
  const { latency } = model;
  return (
    <Card className="model">
      <div className="model__head">
        <h3>{model.model}</h3>
        <Chip tone={tone}>{words}</Chip>
        {model.selected && <Chip tone="accent">Chosen</Chip>}
      </div>
      <p className="model__what">{model.description}</p>
      {model.degradedReason && <p className="model__why">{model.degradedReason}</p>}
      <dl className="facts">
        <Fact name="Licence" value={model.license} />
        <Fact name="From" value={model.source} />
        <Fact name="Runs on" value={[model.backend, model.device].filter(Boolean).join(", ")} />
        <Fact name="Vectors" value={model.dimension > 0 ? `${model.dimension} numbers` : ""} />
        <Fact
          name="Takes"
          value={
            latency !== undefined && latency.callCount > 0n
              ? `${duration(latency.p50Ms)}, p95 ${duration(latency.p95Ms)} (${latency.callCount.toLocaleString()} calls)`
              : ""
          }
        />
        <Fact name="Loaded in" value={latency !== undefined && latency.loadMs >= SHOWN_FROM_MS ? duration(latency.loadMs) : ""} />
      </dl>
    </Card>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  if (value === "") return null;
  return (
    <div className="facts__fact">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function ModelsSkeleton() {
  return (
    <Loading what="models">
      <div className="tasks">
        {Array.from({ length: 4 }, (_, index) => (
          <Skeleton key={index} className="skeleton--card" />
        ))}
      </div>
    </Loading>
  );
}
