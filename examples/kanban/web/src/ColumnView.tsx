import type { Column } from "./agents/agents";
import type { AgentClient } from "./agents/client";
import { field } from "./useWork";

interface Props {
  board: AgentClient<"Board">;
  column: Column;
  run: (work: Promise<unknown>) => Promise<void>;
  mayWrite: boolean;
  onOpen: (card: number) => void;
}

export function ColumnView({ board, column, run, mayWrite, onOpen }: Props) {
  const add = (form: FormData) =>
    run(board.addCard({ column: column.title, title: field(form, "title"), description: "" }));

  /** Puts the dragged card above the card `before`, or at the end. */
  const drop = (event: React.DragEvent, before: number | null) => {
    event.preventDefault();
    event.stopPropagation();
    const card = Number(event.dataTransfer.getData("text/plain"));
    if (card && card !== before) void run(board.moveCard(card, column.title, before));
  };
  const accept = (event: React.DragEvent) => mayWrite && event.preventDefault();

  return (
    <section aria-label={column.title} onDragOver={accept} onDrop={(event) => drop(event, null)}>
      <h2>
        {column.title} <small>{column.cards.length}</small>
      </h2>
      <ol>
        {column.cards.map((card) => (
          <li
            key={card.id}
            draggable={mayWrite}
            onDragStart={(event) => event.dataTransfer.setData("text/plain", String(card.id))}
            onDragOver={accept}
            onDrop={(event) => drop(event, card.id)}
          >
            <button onClick={() => onOpen(card.id)}>{card.title}</button>
            {card.files > 0 && <small> {card.files === 1 ? "1 file" : `${card.files} files`}</small>}
          </li>
        ))}
      </ol>
      {mayWrite && (
        <form action={add}>
          <input name="title" aria-label={`a new card in ${column.title}`} placeholder="write" required maxLength={200} />
          <button>Add</button>
        </form>
      )}
    </section>
  );
}
