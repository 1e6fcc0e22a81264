import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // `npm run dev` reaches the agents of the program that runs beside it.
  server: { proxy: { "/agents": { target: "http://127.0.0.1:8787", ws: true } } },
});
