import { useEffect, useState } from "react";

import { useAgent } from "./agents/react";
import { BoardPage } from "./BoardPage";
import type { User } from "./server";
import { field, useWork } from "./useWork";

/** The board in the address of the page, behind the `#`. */
function useChosen() {
  const read = () => location.hash.slice(1);
  const [chosen, setChosen] = useState(read);
  useEffect(() => {
    const changed = () => setChosen(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return chosen;
}

export function LobbyPage({ user, onLogout }: { user: User; onLogout: () => void }) {
  // The server finds the lobby by the cookie, so the name is only that of the connection.
  const lobby = useAgent("Lobby", user.name, { path: "/lobby" });
  const [run, error] = useWork();
  const chosen = useChosen();
  const boards = lobby.state?.boards ?? [];
  const board = boards.find((listed) => listed.board === chosen);

  const create = (form: FormData) => {
    const name = field(form, "board");
    return run(lobby.create(name).then(() => (location.hash = name)));
  };

  return (
    <>
      <header>
        <nav aria-label="boards">
          {boards.map((listed) => (
            <a key={listed.board} href={`#${listed.board}`} aria-current={listed === board}>
              {listed.board}
            </a>
          ))}
        </nav>
        <form action={create}>
          <input name="board" aria-label="a new board" placeholder="plan" pattern="[a-z0-9\-]+" required />
          <button>Create</button>
        </form>
        <span className="error" role="alert">
          {error}
        </span>
        <span className="user">
          {user.name} <button onClick={onLogout}>Log out</button>
        </span>
      </header>
      {/* The role comes from the lobby, which the board informs about changes. */}
      {board && <BoardPage key={board.board} name={board.board} role={board.role} />}
      {!board && lobby.state && <main>{chosen ? "There is no such board." : "Choose a board, or create one."}</main>}
    </>
  );
}
