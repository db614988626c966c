const COLLECTION = "saves";
const LABELS: { [kind: string]: string } = { lobby: COLLECTION + "-lobby" };
type Save = { level: number };
