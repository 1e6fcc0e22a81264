// The example pages show several clients. Every element has the test id CLIENT-PART.

const LIMIT = { timeout: 10_000 };

/** Returns access to the parts of the clients' panels on `page`. */
export function parts(page) {
  const part = (who, name) => page.getByTestId(`${who}-${name}`);
  return {
    part,
    /** Waits until the whole text of the part is `text`. */
    shows: (who, name, text) =>
      part(who, name)
        .filter({ hasText: new RegExp(`^\\s*${escaped(text)}\\s*$`) })
        .waitFor(LIMIT),
    /** Waits until the part contains `text`. */
    has: (who, name, text) => part(who, name).filter({ hasText: text }).waitFor(LIMIT),
    /** Waits until the status of the client's connection is `status`. */
    status: (who, status) =>
      page
        .locator(`[data-testid="${who}-panel"][data-status="${status}"]`)
        .waitFor(LIMIT),
  };
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
