import { useQuery } from "@connectrpc/connect-query";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { IndexState, SearchService } from "@vitrine/contract/vitrine/retrieval/v1/search_service_pb.js";
import { Card, Chip, ErrorNotice, Loading, Skeleton, type Tone } from "../../design";
import { asFailure } from "../../rpc/queries";
import { ago } from "../../words/time";

const EVERY_MS = 5000;

const STATES: Readonly<Record<IndexState, { readonly words: string; readonly tone: Tone }>> = {
  [IndexState.UNSPECIFIED]: { words: "Not stated", tone: "plain" },
  [IndexState.BUILDING]: { words: "Being built", tone: "warning" },
  [IndexState.READY]: { words: "Answers", tone: "good" },
  [IndexState.REBUILDING]: { words: "Answers, a newer one is being built", tone: "good" },
};

/** What searches look through: how far the index is and what it holds. */
export function IndexPart() {
  const { data, dataUpdatedAt, error, refetch } = useQuery(
    SearchService.method.getIndex,
    {},
    { refetchInterval: EVERY_MS },
  );
  if (error !== null) return <ErrorNotice failure={asFailure(error)} onRetry={() => void refetch()} />;
  if (data === undefined) {
    return (
      <Loading what="index">
        <Skeleton className="skeleton--card" />
      </Loading>
    );
  }
  const figures: readonly (readonly [string, string])[] = [
    ["Products", data.productCount.toLocaleString()],
    ["With a vector", data.vectorCount.toLocaleString()],
    ["Waiting for one", data.pendingVectorCount.toLocaleString()],
    ["Generation", data.generation.toLocaleString()],
  ];
  return (
    <Card className="index">
      <div className="model__head">
        <h3>{data.engine}</h3>
        <Chip tone={STATES[data.state].tone}>{STATES[data.state].words}</Chip>
      </div>
      <dl className="figures">
        {figures.map(([name, value]) => (
          <div key={name} className="figures__figure">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="model__what">
        Vectors of {data.model || "no model yet"}, {data.dimension} numbers each;{" "}
        {data.graphBuilt ? "a graph answers" : "small enough that every product is compared"}
        {data.buildTime && `; built ${ago(timestampMs(data.buildTime), dataUpdatedAt)}`}.
      </p>
      {data.lastError && <p className="model__why">The last build failed: {data.lastError}</p>}
    </Card>
  );
}
