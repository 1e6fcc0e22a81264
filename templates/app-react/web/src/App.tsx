import { type FormEvent, useState } from "react";

import { useAgent } from "./agents/react";

export function App({ list }: { list: string }) {
  const [error, setError] = useState("");
  // The state follows the agent, and the methods are those of the Rust type.
  const todo = useAgent("TodoList", list);

  const run = (work: Promise<unknown>) =>
    work.then(
      () => setError(""),
      (reason) => setError(reason instanceof Error ? reason.message : String(reason)),
    );

  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("text") ?? "");
    event.currentTarget.reset();
    void run(todo.add(text));
  };

  return (
    <>
      <h1>Tasks</h1>
      <form onSubmit={add}>
        <input name="text" aria-label="a new task" placeholder="milk" required maxLength={200} />
        <button>Add</button>
      </form>
      <p className="error" role="alert">
        {error}
      </p>
      <ul>
        {todo.state?.tasks.map((task) => (
          <li key={task.id}>
            <label className={task.done ? "done" : ""}>
              <input
                type="checkbox"
                checked={task.done}
                onChange={() => void run(todo.setDone(task.id, !task.done))}
              />{" "}
              {task.text}
            </label>
          </li>
        ))}
      </ul>
      <p>
        <button onClick={() => void run(todo.removeDone())}>Remove done</button>{" "}
        <span className="status">{todo.status === "open" ? `list ${list}` : todo.status}</span>
      </p>
    </>
  );
}
