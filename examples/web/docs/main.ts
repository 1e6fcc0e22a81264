// A document with an editor and two viewers on one page, on the client that the command `types` makes.

import "../../shared/page.css";
import "./page.css";

import { element, panel } from "../shared/dom";
import type { Entry, Event, Permissions } from "./agents/agents";
import { connect } from "./agents/client";

const name = new URLSearchParams(location.search).get("document") || "handbook";
document.getElementById("agent")!.textContent = `/agents/shared-document/${name}`;

for (const { reader, role } of [
  { reader: "Ada", role: "editor" },
  { reader: "Ben", role: "viewer" },
  { reader: "Cyd", role: "viewer" },
]) {
  open(reader, role);
}

function open(reader: string, role: string) {
  const ui = panel(reader.toLowerCase(), {
    panel: HTMLElement,
    name: HTMLHeadingElement,
    role: HTMLSpanElement,
    lock: HTMLButtonElement,
    readers: HTMLUListElement,
    "title-form": HTMLFormElement,
    title: HTMLInputElement,
    text: HTMLTextAreaElement,
    "code-form": HTMLFormElement,
    clear: HTMLButtonElement,
    code: HTMLInputElement,
    upgrade: HTMLButtonElement,
    notice: HTMLDivElement,
    audit: HTMLTableSectionElement,
  });
  ui.name.textContent = reader;
  const notice = (text: string) => {
    ui.notice.textContent = text;
  };
  const failed = (what: string) => (error: Error) => notice(`${what}: ${error.message}`);
  let permissions: Permissions = { editor: false, canEdit: false };

  const document_ = connect("SharedDocument", name, { query: { name: reader, role } });

  // The buttons follow the rights that the server reports. The fields stay enabled, so that the refusal of
  // the server can be seen.
  const showPermissions = async () => {
    permissions = await document_.getPermissions();
    const { editor, canEdit } = permissions;
    ui.panel.dataset.canEdit = String(canEdit);
    ui.role.textContent = canEdit ? "may edit" : editor ? "locked" : "view only";
    ui.lock.hidden = !editor;
    ui.lock.textContent = canEdit ? "Lock" : "Unlock";
    ui.clear.disabled = !canEdit;
    ui.code.hidden = ui.upgrade.hidden = editor;
  };

  const addEntry = ({ at, who, what, outcome }: Entry) => {
    const properties = { className: outcome === "done" ? "" : "refused", title: new Date(at).toLocaleTimeString() };
    const cells = [who, what, outcome].map((text) => element("td", {}, text));
    ui.audit.prepend(element("tr", properties, ...cells));
  };

  document_.onStatus((status, error) => {
    ui.panel.dataset.status = status;
    notice(error ? `${status === "refused" ? "refused" : "connection lost"}: ${error.message}` : "");
    if (status !== "open") return;
    const show = async () => {
      await showPermissions();
      const entries = await document_.audit();
      ui.audit.replaceChildren();
      entries.forEach(addEntry);
    };
    show().catch(failed("permissions"));
  });
  document_.subscribe(({ title, text }) => {
    if (ui.title !== document.activeElement) ui.title.value = title;
    if (ui.text.value !== text) ui.text.value = text;
  });
  document_.onStateRejected((error) => notice(`edit: ${error.message}`));
  document_.onMessage((message) => {
    if (typeof message !== "string") return;
    const event = JSON.parse(message) as Event;
    switch (event.type) {
      case "audit":
        return addEntry(event.entry);
      case "readers":
        return ui.readers.replaceChildren(
          ...event.readers.map(({ name, canEdit }) => {
            const properties = { className: canEdit ? "edits" : "", title: canEdit ? "may edit" : "view only" };
            return element("li", properties, canEdit ? `${name} ✎` : name);
          }),
        );
    }
  });

  ui.text.oninput = () => {
    notice("");
    if (document_.state) document_.setState({ ...document_.state, text: ui.text.value });
  };
  ui["title-form"].onsubmit = (submit) => {
    submit.preventDefault();
    notice("");
    document_.rename(ui.title.value).catch((error: Error) => {
      ui.title.value = document_.state?.title ?? "";
      failed("rename")(error);
    });
  };
  ui.clear.onclick = () => void document_.clear().catch(failed("clear"));
  ui.lock.onclick = async () => {
    notice("");
    await document_.setMyReadonly(permissions.canEdit).catch(failed("lock"));
    await showPermissions().catch(failed("permissions"));
  };
  ui["code-form"].onsubmit = async (submit) => {
    submit.preventDefault();
    notice("");
    const code = ui.code.value;
    ui.code.value = "";
    await document_.upgradeToEditor(code).catch(failed("become an editor"));
    await showPermissions().catch(failed("permissions"));
  };
}
