import { useEffect } from "preact/hooks";
import { del, get, path, post, text } from "../lib/api";
import { save } from "../lib/files";
import { pretty } from "../lib/json";
import { useLoad } from "../lib/load";
import { go, href, useUnsaved } from "../lib/router";
import { can } from "../lib/session";
import type { Group } from "../lib/types";
import type { PageProps } from "../routes";
import { Action } from "../ui/action";
import { Check, TextField, useSaved } from "../ui/field";
import { JsonEditor } from "../ui/json_editor";
import { heading } from "../ui/layout";
import { Badge, Card, Facts, Id, Loaded, When } from "../ui/show";
import { Tabs } from "../ui/tabs";
import { Members } from "./group/members";

export default function GroupPage({ params }: PageProps) {
  const id = params.id!;
  const group = useLoad((signal) => get<Group>(path`group/${id}`, {}, signal), [id]);
  useEffect(() => {
    if (group.data) heading.value = group.data.name;
  }, [group.data]);
  return (
    <Loaded of={group}>
      {(data) => (
        <>
          <Card
            actions={
              <>
                {can("CHANNEL_MESSAGE:read") && (
                  <a class="button" href={href("/chat", { type: "3", group: id })}>
                    Chat
                  </a>
                )}
                <Action label="Export" icon="data" right="GROUP:read" run={async () => save(`${data.name}.json`, pretty(await text(path`group/${id}/export`)))} />
                <Action
                  label="Delete"
                  icon="trash"
                  kind="danger"
                  right="GROUP:delete"
                  confirm={{ title: `Delete ${data.name}?`, text: "Its members and messages are deleted, too.", action: "Delete", danger: true }}
                  run={async () => {
                    await del(path`group/${id}`);
                    go("/groups");
                  }}
                  done="The group is deleted."
                />
              </>
            }
          >
            <Facts
              of={[
                ["Id", <Id value={id} />],
                ["Creator", <Id value={data.creator_id} to={href(`/players/${data.creator_id}`)} />],
                ["Members", `${data.edge_count} of ${data.max_count}`],
                ["Joining", <Badge kind={data.open ? "good" : undefined}>{data.open ? "open" : "on request"}</Badge>],
                ["Created", <When at={data.create_time} />],
                ["Updated", <When at={data.update_time} />],
              ]}
            />
          </Card>
          <Tabs
            of={[
              { name: "members", title: "Members", show: () => <Members group={id} changed={group.reload} /> },
              { name: "details", title: "Details", show: () => <Details group={data} reload={group.reload} /> },
            ]}
          />
        </>
      )}
    </Loaded>
  );
}

function Details({ group, reload }: { group: Group; reload: () => Promise<void> }) {
  const name = useSaved(group.name);
  const description = useSaved(group.description);
  const language = useSaved(group.lang_tag);
  const avatar = useSaved(group.avatar_url);
  const open = useSaved(group.open);
  const max = useSaved(String(group.max_count));
  const metadata = useSaved(pretty(group.metadata || "{}"));
  const fixed = !can("GROUP:write");
  // What was not changed is not sent, so it stays.
  const changed = () => {
    const body: Record<string, unknown> = {};
    const put = (field: string, value: unknown, before: unknown) => value !== before && (body[field] = value);
    put("name", name.value, group.name);
    put("description", description.value, group.description);
    put("lang_tag", language.value, group.lang_tag);
    put("avatar_url", avatar.value, group.avatar_url);
    put("open", open.value, group.open);
    put("max_count", Number(max.value), group.max_count);
    put("metadata", pretty(metadata.value), pretty(group.metadata || "{}"));
    return body;
  };
  const different = Object.keys(changed()).length > 0;
  useUnsaved(different);
  const save = async () => {
    await post(path`group/${group.id}`, changed());
    await reload();
  };
  return (
    <Card>
      <form class="stack" onSubmit={(e) => e.preventDefault()}>
        <div class="columns">
          <TextField label="Name" value={name} readOnly={fixed} required />
          <TextField label="Description" value={description} readOnly={fixed} />
          <TextField label="Language" value={language} readOnly={fixed} />
          <TextField label="Avatar URL" value={avatar} readOnly={fixed} />
          <TextField label="Members at most" type="number" min={1} value={max} readOnly={fixed} />
        </div>
        <Check label="Anybody may join without asking" value={open} disabled={fixed} />
        <JsonEditor label="Metadata" value={metadata} wanted="object" readOnly={fixed} />
        <div class="buttons">
          <Action label="Save" kind="primary" submit right="GROUP:write" disabled={!different} run={save} done="The group is saved." />
        </div>
      </form>
    </Card>
  );
}
