// The example pages show three clients; every element has the test id CLIENT-PART.

const LIMIT = { timeout: 10_000 };

/** Access to the parts of the clients' panels on `page`. */
export function parts(page) {
  const part = (who, name) => page.getByTestId(`${who}-${name}`);
  return {
    part,
    /** Waits until the part's whole text is `text`. */
    shows: (who, name, text) =>
      part(who, name)
        .filter({ hasText: new RegExp(`^\\s*${escaped(text)}\\s*$`) })
        .waitFor(LIMIT),
    /** Waits until the part has `text` somewhere. */
    has: (who, name, text) => part(who, name).filter({ hasText: text }).waitFor(LIMIT),
    /** Waits until the client's connection is `status`. */
    status: (who, status) =>
      page
        .locator(`[data-testid="${who}-panel"][data-status="${status}"]`)
        .waitFor(LIMIT),
  };
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
