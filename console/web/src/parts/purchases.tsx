import { get } from "../lib/api";
import { usePages } from "../lib/load";
import { href } from "../lib/router";
import type { Purchase, Subscription } from "../lib/types";
import { Dialog, show } from "../ui/dialog";
import { pretty } from "../lib/json";
import { Badge, Facts, Id, When } from "../ui/show";
import { type Column, Table } from "../ui/table";

const stores = ["App Store", "Google Play", "Huawei AppGallery", "Facebook Instant", "Galaxy Store", "Xbox"];
const environments = ["unknown", "sandbox", "production"];

interface Filters {
  user?: string;
  transaction?: string; // an id
}

// PurchaseTable lists purchases, newest first.
export function PurchaseTable({ user, transaction }: Filters) {
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<{ validated_purchases: Purchase[]; cursor: string }>("purchase", { user_id: user, filter: transaction, limit: 100, cursor }, signal);
      return { rows: list.validated_purchases, cursor: list.cursor };
    },
    [user, transaction],
  );
  const columns: Column<Purchase>[] = [
    { title: "Product", cell: (p) => p.product_id },
    { title: "Store", width: "9rem", cell: (p) => stores[p.store] },
    ...(user ? [] : [{ title: "Player", wide: true, cell: (p: Purchase) => <Id value={p.user_id} to={href(`/players/${p.user_id}`)} /> }]),
    { title: "Transaction", wide: true, cell: (p) => <Id value={p.transaction_id} /> },
    { title: "", width: "6rem", cell: (p) => (p.refund_time && Date.parse(p.refund_time) > 0 ? <Badge kind="bad">refunded</Badge> : p.environment === 1 && <Badge>sandbox</Badge>) },
    { title: "Bought", width: "11rem", wide: true, cell: (p) => <When at={p.purchase_time} /> },
  ];
  return (
    <Table
      label="Purchases"
      rows={pages.rows}
      rowKey={(p) => p.transaction_id}
      columns={columns}
      open={(p) =>
        void show((close) => (
          <Dialog title={p.product_id} wide onClose={close}>
            <Facts
              of={[
                ["Player", <a href={href(`/players/${p.user_id}`)} onClick={() => close()}>{p.user_id}</a>],
                ["Transaction", <Id value={p.transaction_id} />],
                ["Store", `${stores[p.store]}, ${environments[p.environment]}`],
                ["Bought", <When at={p.purchase_time} />],
                ["Validated", <When at={p.create_time} />],
                ["Refunded", <When at={p.refund_time} />],
              ]}
            />
            <Response title="Response of the store" text={p.provider_response} />
            <div class="buttons">
              <button onClick={() => close()}>Close</button>
            </div>
          </Dialog>
        ))
      }
      loading={pages.loading}
      error={pages.error}
      retry={pages.reload}
      more={pages.more}
      next={pages.next}
      empty="There are no purchases."
    />
  );
}

// SubscriptionTable lists subscriptions, newest first.
export function SubscriptionTable({ user, transaction }: Filters) {
  const pages = usePages(
    async (cursor, signal) => {
      const list = await get<{ validated_subscriptions: Subscription[]; cursor: string }>("subscription", { user_id: user, filter: transaction, limit: 100, cursor }, signal);
      return { rows: list.validated_subscriptions, cursor: list.cursor };
    },
    [user, transaction],
  );
  const columns: Column<Subscription>[] = [
    { title: "Product", cell: (s) => s.product_id },
    { title: "Store", width: "9rem", cell: (s) => stores[s.store] },
    ...(user ? [] : [{ title: "Player", wide: true, cell: (s: Subscription) => <Id value={s.user_id} to={href(`/players/${s.user_id}`)} /> }]),
    { title: "Transaction", wide: true, cell: (s) => <Id value={s.original_transaction_id} /> },
    { title: "", width: "6rem", cell: (s) => (s.active ? <Badge kind="good">active</Badge> : <Badge>ended</Badge>) },
    { title: "Expires", width: "11rem", wide: true, cell: (s) => <When at={s.expiry_time} /> },
  ];
  return (
    <Table
      label="Subscriptions"
      rows={pages.rows}
      rowKey={(s) => s.original_transaction_id}
      columns={columns}
      open={(s) =>
        void show((close) => (
          <Dialog title={s.product_id} wide onClose={close}>
            <Facts
              of={[
                ["Player", <a href={href(`/players/${s.user_id}`)} onClick={() => close()}>{s.user_id}</a>],
                ["Transaction", <Id value={s.original_transaction_id} />],
                ["Store", `${stores[s.store]}, ${environments[s.environment]}`],
                ["Bought", <When at={s.purchase_time} />],
                ["Expires", <When at={s.expiry_time} />],
                ["Refunded", <When at={s.refund_time} />],
              ]}
            />
            <Response title="Response of the store" text={s.provider_response} />
            <Response title="Last notification of the store" text={s.provider_notification} />
            <div class="buttons">
              <button onClick={() => close()}>Close</button>
            </div>
          </Dialog>
        ))
      }
      loading={pages.loading}
      error={pages.error}
      retry={pages.reload}
      more={pages.more}
      next={pages.next}
      empty="There are no subscriptions."
    />
  );
}

const Response = ({ title, text }: { title: string; text: string }) =>
  text ? (
    <>
      <h3>{title}</h3>
      <pre>{pretty(text)}</pre>
    </>
  ) : null;
