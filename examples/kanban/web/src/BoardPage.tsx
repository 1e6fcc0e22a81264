import { useState } from "react";

import type { Role } from "./agents/agents";
import { useAgent } from "./agents/react";
import { CardDialog } from "./CardDialog";
import { ColumnView } from "./ColumnView";
import { ImportForm } from "./ImportForm";
import { Members } from "./Members";
import { RecordList } from "./RecordList";
import { field, useWork } from "./useWork";

export function BoardPage({ name, role }: { name: string; role: Role }) {
  const board = useAgent("Board", name);
  const [run, error] = useWork();
  const [open, setOpen] = useState<number>();
  const mayWrite = role !== "viewer";
  const columns = board.state?.columns ?? [];
  const card = columns.flatMap((column) => column.cards).find((card) => card.id === open);

  const addColumn = (form: FormData) => run(board.addColumn(field(form, "title")));

  if (board.status === "refused") return <main role="alert">{board.error?.message}</main>;
  return (
    <main>
      <h1>
        {name} <small data-testid="role">{role}</small>
        <small data-testid="status">{board.status === "open" ? "" : board.status}</small>
      </h1>
      <p className="error" role="alert">
        {error}
      </p>
      <div className="columns">
        {columns.map((column) => (
          <ColumnView key={column.title} board={board.client} column={column} run={run} mayWrite={mayWrite} onOpen={setOpen} />
        ))}
        {mayWrite && (
          <form action={addColumn}>
            <input name="title" aria-label="a new column" placeholder="Later" required maxLength={200} />
            <button>Add a column</button>
          </form>
        )}
      </div>
      {card && (
        <CardDialog
          key={`${card.id} ${card.files} ${card.title}`}
          board={board.client}
          name={name}
          card={card}
          mayWrite={mayWrite}
          onClose={() => setOpen(undefined)}
        />
      )}
      <aside>
        {mayWrite && <ImportForm board={board.client} name={name} />}
        {role === "owner" && <Members board={board.client} />}
        <RecordList title="History" state={board.state} load={(before) => board.client.history(before, 10)} />
        {role === "owner" && (
          <RecordList title="Audit" state={board.state} load={(before) => board.client.audit(before, 10)} />
        )}
      </aside>
    </main>
  );
}
