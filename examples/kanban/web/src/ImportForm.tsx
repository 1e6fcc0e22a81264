import { useState } from "react";

import type { AgentClient } from "./agents/client";
import { upload } from "./server";
import { useWork } from "./useWork";

/** Uploads a file of JSON lines, and shows how the board adds its cards. */
export function ImportForm({ board, name }: { board: AgentClient<"Board">; name: string }) {
  const [run, error] = useWork();
  const [text, setText] = useState("");

  const load = async (file: File) => {
    setText("uploading");
    const { id } = await upload(name, file);
    const stream = board.import(id);
    for await (const { added, read, size } of stream) {
      setText(`${added} cards, ${Math.round((100 * read) / Math.max(size, 1))} %`);
    }
    const { added, skipped, problems } = await stream;
    const first = problems[0] ? `: line ${problems[0].line}, ${problems[0].message}` : "";
    setText(`${added} cards added, ${skipped} lines skipped${first}`);
  };

  return (
    <section>
      <h2>Import</h2>
      <label>
        A file with one JSON object a line{" "}
        <input
          type="file"
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) void run(load(file));
          }}
        />
      </label>
      <p role="status">{text}</p>
      <p className="error" role="alert">
        {error}
      </p>
    </section>
  );
}
