// The pages of the console. A new page is a file in pages and a row here.
import type { ComponentType } from "preact";
import type { Right } from "./lib/session";
import type { IconName } from "./ui/icons";

// PageProps are what the component of a page gets.
export interface PageProps {
  params: Record<string, string>; // the values in its path
}

export interface Page {
  path: string; // "/players/:id"
  title: string;
  group?: (typeof groups)[number]; // where it is in the menu; a page without is not
  icon?: IconName;
  right?: Right; // nobody without it sees the page
  parent?: string; // the page that its arrow leads back to
  load: () => Promise<{ default: ComponentType<PageProps> }>;
}

// groups are the parts of the menu.
export const groups = ["Live", "Game", "Server"] as const;

export const pages: Page[] = [
  { path: "/", title: "Dashboard", group: "Live", icon: "dashboard", load: () => import("./pages/dashboard") },
  { path: "/run", title: "Run", group: "Live", icon: "run", right: "API_EXPLORER:read", load: () => import("./pages/run") },
  { path: "/playground", title: "Playground", group: "Live", icon: "play", right: "API_EXPLORER:write", load: () => import("./pages/playground") },
  { path: "/matches", title: "Matches", group: "Live", icon: "matches", right: "MATCH:read", load: () => import("./pages/matches") },
  { path: "/matches/recordings", title: "Recordings", right: "MATCH:read", load: () => import("./pages/recordings") },
  { path: "/matches/recordings/:name", title: "Recording", right: "MATCH:read", parent: "/matches/recordings", load: () => import("./pages/recording") },
  { path: "/matches/:id", title: "Match", right: "MATCH:read", parent: "/matches", load: () => import("./pages/match") },
  { path: "/players", title: "Players", group: "Game", icon: "players", right: "ACCOUNT:read", load: () => import("./pages/players") },
  { path: "/players/:id", title: "Player", right: "ACCOUNT:read", parent: "/players", load: () => import("./pages/player") },
  { path: "/groups", title: "Groups", group: "Game", icon: "groups", right: "GROUP:read", load: () => import("./pages/groups") },
  { path: "/groups/:id", title: "Group", right: "GROUP:read", parent: "/groups", load: () => import("./pages/group") },
  { path: "/storage", title: "Storage", group: "Game", icon: "storage", right: "STORAGE_DATA:read", load: () => import("./pages/storage") },
  { path: "/storage/:collection/:key/:user_id", title: "Object", right: "STORAGE_DATA:read", parent: "/storage", load: () => import("./pages/object") },
  { path: "/leaderboards", title: "Leaderboards", group: "Game", icon: "boards", right: "LEADERBOARD:read", load: () => import("./pages/leaderboards") },
  { path: "/leaderboards/:id", title: "Leaderboard", right: "LEADERBOARD:read", parent: "/leaderboards", load: () => import("./pages/leaderboard") },
  { path: "/chat", title: "Chat", group: "Game", icon: "chat", right: "CHANNEL_MESSAGE:read", load: () => import("./pages/chat") },
  { path: "/notifications", title: "Notifications", group: "Game", icon: "bell", right: "NOTIFICATION:read", load: () => import("./pages/notifications") },
  { path: "/purchases", title: "Purchases", group: "Game", icon: "purchases", right: "IN_APP_PURCHASE:read", load: () => import("./pages/purchases") },
  { path: "/module/:path", title: "Page of the game", load: () => import("./pages/game_page") },
  { path: "/runtime", title: "Modules", group: "Server", icon: "runtime", right: "CONFIGURATION:read", load: () => import("./pages/runtime") },
  { path: "/jobs", title: "Jobs", group: "Server", icon: "reload", right: "CONFIGURATION:read", load: () => import("./pages/jobs") },
  { path: "/logs", title: "Log", group: "Server", icon: "logs", right: "CONFIGURATION:read", load: () => import("./pages/logs") },
  { path: "/audit", title: "Audit log", group: "Server", icon: "audit", right: "AUDIT_LOG:read", load: () => import("./pages/audit") },
  { path: "/settings", title: "Settings", group: "Server", icon: "settings", load: () => import("./pages/settings") },
];
