import "./mesh.css";
import { useTitle } from "../../app/useTitle";
import { Tabs } from "../../design";
import { IndexPart } from "./IndexPart";
import { ModelsPart } from "./ModelsPart";
import { ServicesPart } from "./ServicesPart";

/** How the mesh is: what an operator opens first. */
export default function MeshPage() {
  useTitle("Mesh");
  return (
    <>
      <header className="page__head">
        <h1>Mesh</h1>
        <p className="page__lead">Every service, the search index, and each model with its licence and how it does.</p>
      </header>
      <ServicesPart />
      <Tabs
        label="Parts of the mesh"
        tabs={[
          { key: "models", label: "Models", content: <ModelsPart /> },
          { key: "index", label: "Search index", content: <IndexPart /> },
        ]}
      />
    </>
  );
}
