import { createRoot } from "react-dom/client";

import { App } from "./App";
import "./page.css";

const list = new URLSearchParams(location.search).get("list") ?? "groceries";
const root = document.getElementById("root");
if (root) createRoot(root).render(<App list={list} />);
