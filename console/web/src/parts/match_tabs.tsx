import { here, href } from "../lib/router";

const of = [
  ["/matches", "Running"],
  ["/matches/recordings", "Recordings"],
] as const;

// MatchTabs leads from the matches that run to the recordings of others, and back.
export const MatchTabs = () => (
  <nav class="tabs" aria-label="Matches">
    {of.map(([path, title]) => (
      <a key={path} href={href(path)} aria-current={here.value.path === path ? "page" : undefined}>
        {title}
      </a>
    ))}
  </nav>
);
