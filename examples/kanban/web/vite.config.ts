import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const program = "http://127.0.0.1:8787";

export default defineConfig({
  plugins: [react()],
  // `npm run dev` reaches the program that runs beside it.
  server: {
    proxy: {
      "/agents": { target: program, ws: true },
      "/lobby": { target: program, ws: true },
      "/login": program,
      "/logout": program,
      "/me": program,
    },
  },
});
