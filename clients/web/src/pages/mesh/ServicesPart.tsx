import { useQuery } from "@tanstack/react-query";
import { Card, Chip, ErrorNotice, Loading, Skeleton, type Tone } from "../../design";
import { asFailure } from "../../rpc/queries";
import { type Wellness, fetchHealth } from "./health";

const EVERY_MS = 5000;

const WORDS: Readonly<Record<Wellness, { readonly title: string; readonly tone: Tone }>> = {
  healthy: { title: "Everything answers", tone: "good" },
  degraded: { title: "A part is away; the rest goes on", tone: "warning" },
  unhealthy: { title: "The way in is shut", tone: "bad" },
};

/** What each service is for. */
const DOES: Readonly<Record<string, string>> = {
  ingest: "takes streams and captures, blurs faces",
  vision: "finds persons and garments in pictures",
  retrieval: "keeps the catalogue and searches it",
  profile: "learns the taste and keeps its log",
};

/** Health of every service, asked for again every few seconds while the page is seen. */
export function ServicesPart() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => fetchHealth(signal),
    refetchInterval: EVERY_MS,
    staleTime: 0,
  });
  if (error !== null) return <ErrorNotice failure={asFailure(error)} onRetry={() => void refetch()} />;
  if (isPending) return <ServicesSkeleton />;
  return (
    <section className="services" aria-label="Services">
      <p className="services__all" role="status">
        <Chip tone={WORDS[data.status].tone}>{data.status}</Chip>
        {WORDS[data.status].title}
        <span className="services__version">Vitrine {data.version}</span>
      </p>
      <ul className="services__list">
        {data.services.map(({ name, well }) => (
          <li key={name}>
            <Card className="service">
              <h2 className="service__name">{name}</h2>
              <p className="service__does">{DOES[name] ?? "a part of the mesh"}</p>
              <Chip tone={well ? "good" : "bad"}>{well ? "Answers" : "Away"}</Chip>
            </Card>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ServicesSkeleton() {
  return (
    <Loading what="services">
      <div className="services services__list">
        {Array.from({ length: 4 }, (_, index) => (
          <Skeleton key={index} className="skeleton--card" />
        ))}
      </div>
    </Loading>
  );
}
