import { Tabs } from "../ui/tabs";
import { Configuration } from "./settings/configuration";
import { Data } from "./settings/data";
import { General } from "./settings/general";
import { Operators } from "./settings/operators";
import { Templates } from "./settings/templates";

const Settings = () => (
  <Tabs
    of={[
      { name: "general", title: "General", show: () => <General /> },
      { name: "operators", title: "Operators", right: "USER:read", show: () => <Operators /> },
      { name: "templates", title: "Templates of rights", right: "ACL_TEMPLATE:read", show: () => <Templates /> },
      { name: "configuration", title: "Configuration", right: "CONFIGURATION:read", show: () => <Configuration /> },
      { name: "data", title: "Data", show: () => <Data /> },
    ]}
  />
);

export default Settings;
