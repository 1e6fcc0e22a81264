import { useEffect, useState } from "react";

import type { Card, CardDetails } from "./agents/agents";
import type { AgentClient } from "./agents/client";
import { fileUrl, upload } from "./server";
import { field, useWork } from "./useWork";

interface Props {
  board: AgentClient<"Board">;
  name: string;
  card: Card;
  mayWrite: boolean;
  onClose: () => void;
}

export function CardDialog({ board, name, card, mayWrite, onClose }: Props) {
  const [run, error] = useWork();
  const [details, setDetails] = useState<CardDetails>();
  useEffect(() => void run(board.card(card.id).then(setDetails)), [board, card.id]);

  const save = (form: FormData) =>
    run(board.editCard(card.id, field(form, "title"), field(form, "description")).then(onClose));
  const attach = (files: FileList | null) => {
    const file = files?.[0];
    if (file) void run(upload(name, file, card.id));
  };

  return (
    <div className="dialog" role="dialog" aria-label={card.title}>
      {details && (
        <form action={save}>
          <input name="title" aria-label="title" defaultValue={card.title} readOnly={!mayWrite} maxLength={200} />
          <textarea name="description" aria-label="description" defaultValue={details.description} readOnly={!mayWrite} rows={5} />
          <ul>
            {details.files.map((file) => (
              <li key={file.id}>
                <a href={fileUrl(name, file.id)}>{file.name}</a> <small>{file.size} bytes</small>
                {mayWrite && (
                  <button type="button" onClick={() => void run(board.removeFile(file.id))}>
                    Remove
                  </button>
                )}
              </li>
            ))}
          </ul>
          {mayWrite && (
            <>
              <label>
                Attach a file <input type="file" onChange={(event) => attach(event.target.files)} />
              </label>
              <button>Save</button>
              <button type="button" onClick={() => void run(board.removeCard(card.id))}>
                Remove the card
              </button>
            </>
          )}
          <button type="button" onClick={onClose}>
            Close
          </button>
        </form>
      )}
      <p className="error" role="alert">
        {error}
      </p>
    </div>
  );
}
