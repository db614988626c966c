import { filter } from "../lib/router";
import { PurchaseTable, SubscriptionTable } from "../parts/purchases";
import { Search } from "../ui/search";
import { Tabs } from "../ui/tabs";

export default function Purchases() {
  const filters = { user: filter("user"), transaction: filter("transaction") };
  return (
    <>
      <div class="tools">
        <Search name="transaction" label="Id of a transaction" clears={["user"]} />
        <Search name="user" label="Id of a player" clears={["transaction"]} />
      </div>
      <Tabs
        of={[
          { name: "purchases", title: "Purchases", show: () => <PurchaseTable {...filters} /> },
          { name: "subscriptions", title: "Subscriptions", show: () => <SubscriptionTable {...filters} /> },
        ]}
      />
    </>
  );
}
