import { type ComponentType, type LazyExoticComponent, type ReactNode, lazy } from "react";
import { MeshIcon, SearchIcon } from "./icons";

interface Page {
  /** Where it is, as wouter writes it: `/captures/:capture`. */
  readonly path: string;
  readonly title: string;
  /** Its place in the navigation; pages without an icon are reached from others. */
  readonly icon?: ReactNode;
  readonly view: LazyExoticComponent<ComponentType>;
}

/**
 * Every page that there is, in the order of the navigation: Today, Style, Search, Camera, Mesh, Data. The first one is
 * where people arrive. A page that is not there yet has no line, so that no link leads nowhere.
 */
export const PAGES: readonly [Page, ...Page[]] = [
  {
    path: "/search",
    title: "Search",
    icon: <SearchIcon />,
    view: lazy(() => import("../pages/search/SearchPage")),
  },
  {
    path: "/mesh",
    title: "Mesh",
    icon: <MeshIcon />,
    view: lazy(() => import("../pages/mesh/MeshPage")),
  },
];
