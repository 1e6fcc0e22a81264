import { useEffect, useState } from "react";

import type { Change, Columns, Entry } from "./agents/agents";
import { useWork } from "./useWork";

interface Props {
  title: string;
  /** The state that was last seen: a new one has new entries. */
  state: Columns | undefined;
  /** Loads the entries before an entry, or the newest ones. */
  load: (before: number | null) => Promise<Entry[]>;
}

export function RecordList({ title, state, load }: Props) {
  const [run, error] = useWork();
  const [entries, setEntries] = useState<Entry[]>([]);
  useEffect(() => void run(load(null).then(setEntries)), [state]);
  const more = () => run(load(entries.at(-1)?.id ?? null).then((older) => setEntries([...entries, ...older])));

  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul>
        {entries.map(({ id, at, who, card, change }) => (
          <li key={id}>
            <time>{new Date(at).toLocaleTimeString()}</time> {who} {describe(change)}
            {card !== null && card !== undefined && <small> #{card}</small>}
          </li>
        ))}
      </ul>
      <button onClick={() => void more()}>More</button>
      <p className="error" role="alert">
        {error}
      </p>
    </section>
  );
}

function describe(change: Change): string {
  switch (change.type) {
    case "created":
      return "created the board";
    case "columnAdded":
      return `added the column ${change.title}`;
    case "columnRemoved":
      return `removed the column ${change.title}`;
    case "cardAdded":
      return `added ${change.title} to ${change.column}`;
    case "cardEdited":
      return `edited ${change.title}`;
    case "cardMoved":
      return change.from === change.to
        ? `moved a card within ${change.to}`
        : `moved a card from ${change.from} to ${change.to}`;
    case "cardRemoved":
      return `removed ${change.title}`;
    case "fileAdded":
      return `attached ${change.name}`;
    case "fileRemoved":
      return `removed the file ${change.name}`;
    case "imported":
      return `imported ${change.added} cards`;
    case "shared":
      return change.role ? `made ${change.member} ${change.role}` : `removed the member ${change.member}`;
    case "refused":
      return `was refused ${change.attempt}`;
  }
}
