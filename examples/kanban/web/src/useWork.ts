import { useState } from "react";

/** Returns a function that runs some work, and the message of the last work if it failed. */
export function useWork(): [run: (work: Promise<unknown>) => Promise<void>, error: string] {
  const [error, setError] = useState("");
  const run = (work: Promise<unknown>) =>
    work.then(
      () => setError(""),
      (reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)),
    );
  return [run, error];
}

/** Returns a field of a form as text. */
export const field = (form: FormData, name: string) => String(form.get(name) ?? "");
