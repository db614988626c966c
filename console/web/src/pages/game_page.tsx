import { useEffect } from "preact/hooks";
import { gamePages } from "../lib/extensions";
import type { PageProps } from "../routes";
import { heading } from "../ui/layout";
import { Empty } from "../ui/show";

// GamePage shows a page of the game's own, in a frame. It has the console's origin, so it
// may use the operator's token.
export default function GamePage({ params }: PageProps) {
  const page = gamePages.value.find((p) => p.path === params.path);
  useEffect(() => {
    if (page) heading.value = page.title;
  }, [page]);
  if (!page) return <Empty>The modules have no such page.</Empty>;
  return <iframe class="game-page" title={page.title} src={new URL(page.path, document.baseURI).href} />;
}
