// The frame of all pages: the menu, the title, and what belongs to the operator.
import { effect, signal } from "@preact/signals";
import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get } from "../lib/api";
import { here, href, match } from "../lib/router";
import { can, operator, signOut } from "../lib/session";
import { connected } from "../lib/live";
import { gamePages, loadExtensions } from "../lib/extensions";
import { loadMaintenance, maintenance } from "../lib/maintenance";
import { chosen, setUtc, utc } from "../lib/time";
import { groups, type Page, pages, type PageProps } from "../routes";
import { Icon } from "./icons";
import { reloaded, Reloads } from "./reloads";
import { Problem } from "./show";
import { Logo } from "./sign_in";
import { complain } from "./toast";

const menuOpen = signal(false);
effect(() => {
  here.value; // on a narrow screen the menu closes when a page opens
  menuOpen.value = false;
});

const themeKey = "kumi.console.theme";
const theme = signal(localStorage.getItem(themeKey) ?? "");
effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

function switchTheme(): void {
  const dark = theme.value ? theme.value === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme.value = dark ? "light" : "dark";
  localStorage.setItem(themeKey, theme.value);
}

// heading is what a page calls itself, if it is more than the title of its row.
export const heading = signal("");

export function Layout() {
  const found = find(here.value.path);
  const title = heading.value || found?.page.title || "Not found";
  useEffect(() => {
    document.title = title + " – Kumi";
  }, [title]);
  useEffect(() => void loadExtensions().catch(() => {}), [reloaded.value]);
  useEffect(() => {
    const load = () => void (document.hidden || loadMaintenance().catch(() => {}));
    load();
    const timer = setInterval(load, 60_000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (chosen()) return;
    get<{ settings: { value: string }[] }>("setting", { names: ["utc_toggle"] }).then(({ settings }) => (utc.value = settings[0]?.value === "true"), () => {});
  }, []);
  return (
    <div class={menuOpen.value ? "layout menu-open" : "layout"}>
      <a class="skip" href="#content" onClick={(e) => (e.preventDefault(), document.getElementById("content")?.focus())}>
        Skip the menu
      </a>
      <Menu />
      <div class="backdrop" onClick={() => (menuOpen.value = false)} />
      <div class="page">
        <header class="bar">
          <button class="plain burger" aria-label="Menu" aria-expanded={menuOpen.value} onClick={() => (menuOpen.value = !menuOpen.value)}>
            <Icon name="menu" />
          </button>
          {found?.page.parent && (
            <a class="plain button" href={href(found.page.parent)} aria-label="Back">
              <Icon name="back" />
            </a>
          )}
          <h1>{title}</h1>
          {!connected.value && <span class="badge warn">Reconnecting…</span>}
          <button class="plain" title="Switch between local time and UTC" onClick={() => setUtc(!utc.value)}>
            {utc.value ? "UTC" : "Local time"}
          </button>
          <button class="plain" aria-label="Light or dark" title="Light or dark" onClick={switchTheme}>
            <Icon name="sun" />
          </button>
        </header>
        {maintenance.value?.active && (
          <a class="notice" href={href("/settings")}>
            <Icon name="warning" />
            <span class="grow">Maintenance: players cannot sign in. {maintenance.value.message}</span>
          </a>
        )}
        <main id="content" tabIndex={-1}>
          {!found ? (
            <p class="empty">
              There is no such page. <a href={href("/")}>To the start</a>
            </p>
          ) : !can(found.page.right) ? (
            <p class="empty">You need the right {found.page.right} to see this page.</p>
          ) : (
            <Boundary key={found.page.path + JSON.stringify(found.params)}>
              <Show page={found.page} params={found.params} />
            </Boundary>
          )}
        </main>
      </div>
      <Reloads />
    </div>
  );
}

function find(path: string): { page: Page; params: Record<string, string> } | null {
  for (const page of pages) {
    const params = match(page.path, path);
    if (params) return { page, params };
  }
  return null;
}

function Menu() {
  const path = here.value.path;
  const current = (p: Page) => path === p.path || (p.path !== "/" && path.startsWith(p.path + "/"));
  return (
    <nav class="menu" aria-label="Pages">
      <a class="brand" href={href("/")}>
        <Logo />
        Kumi
      </a>
      {groups.map((group) => {
        const shown = pages.filter((p) => p.group === group && can(p.right));
        return (
          shown.length > 0 && (
            <div key={group}>
              <h2>{group}</h2>
              {shown.map((p) => (
                <a key={p.path} href={href(p.path)} aria-current={current(p) ? "page" : undefined}>
                  <Icon name={p.icon!} />
                  {p.title}
                </a>
              ))}
            </div>
          )
        );
      })}
      {gamePages.value.length > 0 && (
        <div>
          <h2>Of this game</h2>
          {gamePages.value.map((p) => {
            const at = "/module/" + encodeURIComponent(p.path);
            return (
              <a key={p.path} href={href(at)} aria-current={path === at ? "page" : undefined}>
                <Icon name="page" />
                <span class="ellipsis">{p.title}</span>
              </a>
            );
          })}
        </div>
      )}
      <footer>
        <span class="ellipsis" title={operator.value?.email}>
          {operator.value?.username}
        </span>
        <button class="small" onClick={() => signOut().catch(complain)}>
          Sign out
        </button>
      </footer>
    </nav>
  );
}

const loaded = new Map<Page, ComponentType<PageProps>>();

// Show loads the code of a page and shows it.
function Show({ page, params }: { page: Page; params: Record<string, string> }) {
  const [, redraw] = useState(0);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (loaded.has(page)) return;
    page.load().then(
      (m) => {
        loaded.set(page, m.default);
        redraw((n) => n + 1);
      },
      () => setError("This page could not be loaded. If the server was updated, reload the console."),
    );
  }, [page]);
  useEffect(() => () => void (heading.value = ""), []);
  if (error) return <Problem error={error} retry={() => location.reload()} />;
  const Content = loaded.get(page);
  return Content ? <Content params={params} /> : <p class="loading">Loading…</p>;
}

// Boundary keeps an error of a page inside it.
class Boundary extends Component<{ children: ComponentChildren }, { error?: unknown }> {
  static override getDerivedStateFromError = (error: unknown) => ({ error });
  override componentDidCatch(error: unknown): void {
    console.error(error);
  }
  override render() {
    return this.state.error === undefined ? this.props.children : <Problem error={this.state.error} retry={() => this.setState({ error: undefined })} />;
  }
}
