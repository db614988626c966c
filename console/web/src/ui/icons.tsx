// The icons, drawn with lines on a grid of 24.
const shapes = {
  dashboard: "M4 13h6V4H4zM14 20h6v-9h-6zM14 4v3h6V4zM4 17v3h6v-3z",
  players: "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM2 21v-1a6 6 0 0 1 6-6h2a6 6 0 0 1 6 6v1M16 3.5a4 4 0 0 1 0 7M19 14.500a6 6 0 0 1 3 5.500v1",
  groups: "M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.5 8-4.500M12 12v9",
  storage: "M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3ZM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3",
  boards: "M8 21V11H3v10zM15 21V4H9v17M21 21v-7h-5v7zM2 21h20",
  matches: "M6 11h4M8 9v4M15 12h.01M18 10h.01M17 5H7a5 5 0 0 0-5 5.500c.3 4 1 8.5 3.5 8.5 2 0 2.5-3 4-3h5c1.5 0 2 3 4 3 2.5 0 3.2-4.5 3.5-8.500A5 5 0 0 0 17 5Z",
  chat: "M21 12a8 8 0 0 1-8 8H4l1.8-3A8 8 0 1 1 21 12ZM9 10h8M9 14h5",
  bell: "M6 9a6 6 0 1 1 12 0c0 6 2.5 7 2.5 8h-17C3.5 16 6 15 6 9ZM10 21h4",
  purchases: "M3 6h18v12H3zM3 10h18M7 15h3",
  run: "M5 4l14 8-14 8z",
  play: "M4 5h16v11H4zM8 21h8M12 16v5M10 8.500l4 2-4 2z",
  page: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  runtime: "M8 7l-5 5 5 5M16 7l5 5-5 5M14 4l-4 16",
  logs: "M4 5h16M4 10h10M4 15h16M4 20h8",
  audit: "M9 4H6v17h12V4h-3M9 3h6v3H9zM9 12l2 2 4-4",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  operators: "M12 3l8 3v6c0 4.5-3.2 7.8-8 9-4.8-1.2-8-4.5-8-9V6zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8.5 16c.5-1.5 2-2 3.5-2s3 .5 3.5 2",
  data: "M12 3v12M8 11l4 4 4-4M4 17v4h16v-4",
  menu: "M4 6h16M4 12h16M4 18h16",
  close: "M6 6l12 12M18 6L6 18",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l5 5",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.500M17.5 17.500L19 19M5 19l1.5-1.500M17.5 6.500L19 5",
  moon: "M20 14.500A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.500Z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12l5 5 9-11",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
  back: "M15 5l-7 7 7 7",
  reload: "M20 11A8 8 0 1 0 18 17.500M20 4v7h-7",
  plus: "M12 5v14M5 12h14",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14M10 11v6M14 11v6",
} as const;

export type IconName = keyof typeof shapes;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d={shapes[name]} />
  </svg>
);
