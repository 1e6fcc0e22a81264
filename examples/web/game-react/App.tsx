// The page around the game: first a form for the name, then the game.

import { type ComponentType, type FormEvent, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

import "../../shared/page.css";
import "./game.css";

export type PlayProps = { name: string; table: string };

const options = new URLSearchParams(location.search);

/** Shows the page; `Play` is the part that is connected to the agent. */
export function show(Play: ComponentType<PlayProps>, hook: string) {
  createRoot(document.getElementById("root")!).render(
    <StrictMode>
      <App Play={Play} hook={hook} />
    </StrictMode>,
  );
}

function App({ Play, hook }: { Play: ComponentType<PlayProps>; hook: string }) {
  const table = options.get("game") ?? "table-1";
  const [name, setName] = useState(options.get("name") ?? "");
  return (
    <>
      <header>
        <h1>Game</h1>
        <p>
          Four seats; players claim cells, everybody else watches. Agent: <code>/agents/board-game/{table}</code>, by{" "}
          <code>{hook}</code>
        </p>
      </header>
      {name ? <Play name={name} table={table} /> : <Welcome onName={setName} />}
    </>
  );
}

function Welcome({ onName }: { onName: (name: string) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onName(String(new FormData(event.currentTarget).get("name")).trim());
  };
  return (
    <form className="welcome panel" onSubmit={submit}>
      <label htmlFor="name">Who are you?</label>
      <input id="name" name="name" maxLength={20} required autoFocus />
      <button className="main">Come in</button>
    </form>
  );
}
